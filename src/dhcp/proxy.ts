// From a datagram to its answers: recognize the client, decide, send, and record why.
import type { Config } from '../config/config.ts'
import { resolveBootProgram } from '../decide/boot-program.ts'
import type { Nbps } from '../files/nbps.ts'
import type { Inventory } from '../inventory/open.ts'
import { type DhcpPacket, macOf, messageTypeOf, parseDhcp } from '../lib/dhcp/packet.ts'
import { messageOf } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { clientAddressOf, isNear, type OwnAddress, ownAddressFor } from './addresses.ts'
import { createAdmission, createSubnetModes } from './admission.ts'
import { answerFor } from './answer.ts'
import { createChoices } from './choices.ts'
import { type Arrival, type Client, recognizeClient } from './client.ts'
import { type Ignored, ignore } from './ignored.ts'
import type { Datagram } from './interface.ts'
import { createRecent } from './recent.ts'
import { createRecords } from './records.ts'
import type { Reply } from './reply.ts'
import { acceptedLeaseOf, sightingOf } from './sightings.ts'

export type ProxyParts = {
  nbps: Nbps
  inventory: Pick<Inventory, 'noteServer' | 'findSituation'> & { events: Pick<Inventory['events'], 'record'> }
  /** The URLs of boot HTTP for clients that reach this server at an address. */
  urlsAt: (serverAddress: string) => { baseUrl: string; addressUrl: string }
  servesTftp: boolean
  log: Logger
  metrics?: Pick<Metrics, 'dhcpPacket'>
}

/** The network behind an interface. */
export type Network = { device: string; ownAddresses: () => OwnAddress[]; send: (reply: Reply) => void }

/** `handle` never throws and never waits. */
export type Proxy = { handle: (datagram: Datagram, network: Network) => void; stop: () => void }

/** Maximum clients that are looked up, or whose answer is delayed, at the same time. */
const maxPending = 2000

export function createProxy(config: Config['proxyDhcp'], parts: ProxyParts): Proxy {
  const { log, nbps, servesTftp, inventory } = parts
  const admit = createAdmission(config)
  const modeFor = createSubnetModes(config.subnetModes, config.mode)
  const { knownOnly } = config
  const records = createRecords(inventory.events, log, parts.metrics)
  const { warn } = records
  const choose = createChoices((facts) => resolveBootProgram({ inventory, nbps }, facts), { knownOnly, warn })
  const mayAnswer = createRecent()
  const delayed = new Set<NodeJS.Timeout>()
  let pending = 0
  let isStopped = false

  const answer = async (client: Client, serverAddress: string, network: Network): Promise<Ignored | undefined> => {
    const address = clientAddressOf(client) ?? serverAddress
    const choice = await choose(client, address)
    if ('ignored' in choice) return choice
    const mode = choice.proxy ?? modeFor(address)
    const context = { serverAddress, nbps: nbps.values(), servesTftp, ...parts.urlsAt(serverAddress), mode }
    const answered = answerFor(client, { ...context, bootProgram: choice.bootProgram })
    if ('ignored' in answered) return answered
    if (client.arrival.port === 67) await delay(config.delayMs)
    if (isStopped) return undefined
    for (const reply of answered.replies) network.send(reply)
    records.answered(client, answered.bootFile, answered.replies)
    return undefined
  }
  const delay = (delayMs: number) =>
    delayMs === 0
      ? undefined
      : new Promise<void>((resolve) => {
          const timer = setTimeout(() => {
            delayed.delete(timer)
            resolve()
          }, delayMs)
          delayed.add(timer)
        })

  const take = (packet: DhcpPacket, { port, from }: Datagram & { port: 67 | 4011 }, network: Network) => {
    const { device } = network
    const own = network.ownAddresses()
    const arrival: Arrival = {
      ...{ port, from, device, ownAddresses: own.map(({ address }) => address) },
      isNear: (address) => isNear(address, own),
    }
    const client = recognizeClient(packet, arrival)
    const about = { packet, device, from: from.address }
    if ('ignored' in client) return records.ignored(about, client)
    // A client retransmits after a second at the earliest (RFC 2131 4.1).
    if (!mayAnswer([device, port, messageTypeOf(packet), packet.xid, packet.chaddr.toString('hex')].join(' ')))
      return records.ignored(about, ignore('repeated', 'the same packet was answered less than a second ago'))
    const serverAddress = ownAddressFor(clientAddressOf(client), own)
    const early =
      (serverAddress === undefined ? ignore('no-own-address', `${device} has no IPv4 address yet`) : undefined) ??
      admit(client, clientAddressOf(client) ?? (serverAddress as string)) ??
      (pending >= maxPending ? ignore('busy', 'too many DHCP clients at the same time') : undefined)
    if (early !== undefined) return records.ignored(about, early)
    pending += 1
    answer(client, serverAddress as string, network)
      .then((ignored) => ignored && records.ignored(about, ignored))
      .catch((error) => warn({ mac: client.mac, error: messageOf(error) }, 'answering a DHCP client failed'))
      .finally(() => {
        pending -= 1
      })
  }

  return {
    handle: (datagram, network) => {
      if (isStopped) return
      const packet = parseDhcp(datagram.bytes)
      if (packet === undefined) return records.malformed()
      try {
        const { device } = network
        const sighting = sightingOf(
          packet,
          device,
          network.ownAddresses().map(({ address }) => address),
        )
        if (sighting !== undefined) inventory.noteServer(sighting)
        const { port } = datagram
        if (port === 68 || packet.op !== 1) return
        const lease = acceptedLeaseOf(packet)
        if (lease !== undefined) records.accepted(lease)
        take(packet, { ...datagram, port }, network)
      } catch (error) {
        warn({ mac: macOf(packet), error: messageOf(error) }, 'reading a DHCP packet failed')
      }
    },
    stop: () => {
      isStopped = true
      for (const timer of delayed) clearTimeout(timer)
    },
  }
}
