// Sends the packets of a probe on one interface, and collects the answers.
import { randomInt } from 'node:crypto'
import type dgram from 'node:dgram'
import { setTimeout as sleep } from 'node:timers/promises'
import { openDeviceSocket, sendDatagram } from '../../lib/dhcp/device-socket.ts'
import { dhcpPorts } from '../../lib/dhcp/option-codes.ts'
import { formatDhcp, messageTypeOf, parseDhcp } from '../../lib/dhcp/packet.ts'
import type { Logger } from '../../lib/log.ts'
import type { Client } from './firmware-takes.ts'
import { givesAddress, type Offer } from './offers.ts'
import { createIdentity, formatBootRequest, formatDiscover, formatInform, type ProbeIdentity } from './requests.ts'

/** How long a probe waits, milliseconds. */
export type Patience = {
  /** For the first offer. A DHCP server may ping the address first: ISC dhcpd for 1 s, dnsmasq for 3 s. */
  offerMs: number
  /** For further offers after the first one with an address. */
  furtherMs: number
  /** For an answer on port 4011, of which EDK2 waits 1, 2, 3 and 4 s. */
  answerMs: number
}

export const usualPatience: Patience = { offerMs: 5000, furtherMs: 1500, answerMs: 2500 }

/** An open probe: it has the client port of one interface. */
export type Wire = {
  device: string
  /** The own address on the interface. */
  address: string
  /** The offers for each client, in the order of `clients`. They are collected at the same time. */
  discover: (clients: readonly Client[]) => Promise<Offer[][]>
  /** Asks port 4011 of a server; undefined without an answer. */
  askBootServer: (client: Client, server: string) => Promise<Offer | undefined>
  /** Asks for options without an address: the answers show that a DHCP server is present. */
  inform: () => Promise<Offer[]>
  /** The packets of servers for other clients. */
  overheard: () => Offer[]
  close: () => void
}

const maxKept = 256

/**
 * Opens a probe on an interface: as a client on port 68, or as a relay on port 67 (`relay`). Only servers that serve the own
 * subnet answer a relay.
 * @throws the error of openDeviceSocket
 */
export async function openWire(
  { device, address, relay = false }: { device: string; address: string; relay?: boolean },
  patience: Patience,
  log: Logger,
): Promise<Wire> {
  const socket = await openDeviceSocket({ device, port: relay ? dhcpPorts.server : dhcpPorts.client, log })
  socket.setBroadcast(true)
  const identity = createIdentity()
  const received: Offer[] = []
  const others: Offer[] = []
  socket.on('message', (bytes, { address: from }) => {
    const packet = parseDhcp(bytes)
    if (packet === undefined || packet.op !== 2) return
    const list = packet.chaddr.equals(identity.chaddr) ? received : others
    if (list.length < maxKept) list.push({ from, packet })
  })
  const answersTo = (xid: number) => received.filter(({ packet }) => packet.xid === xid)
  const sending = { socket, identity, answersTo, patience, log }
  return {
    device,
    address,
    discover: (clients) => discoverAll(clients, { ...sending, giaddr: relay ? address : undefined }),
    askBootServer: (client, server) => askBootServer(client, server, address, sending),
    inform: () => inform(address, sending),
    overheard: () => others,
    close: () => socket.close(),
  }
}

type Sending = {
  socket: dgram.Socket
  identity: ProbeIdentity
  answersTo: (xid: number) => Offer[]
  patience: Patience
  log: Logger
}

const pollMs = 50

async function discoverAll(
  clients: readonly Client[],
  { socket, identity, answersTo, patience, log, giaddr }: Sending & { giaddr: string | undefined },
): Promise<Offer[][]> {
  const xids = clients.map(() => randomInt(1, 2 ** 32))
  const packets = clients.map((client, at) => formatDiscover(client, identity, xids[at] ?? 0, giaddr))
  const started = performance.now()
  const elapsedMs = () => performance.now() - started
  const send = async (secs: number) => {
    for (const packet of packets) {
      if (answersTo(packet.xid).some(givesAddress)) continue
      sendDatagram(socket, formatDhcp({ ...packet, secs }), broadcast, log)
      // Servers and relays limit bursts.
      await sleep(20)
    }
  }
  await send(0)
  let isRepeated = false
  let lastFirstAt: number | undefined
  for (;;) {
    await sleep(pollMs)
    const isComplete = xids.every((xid) => answersTo(xid).some(givesAddress))
    if (isComplete) lastFirstAt ??= elapsedMs()
    if (lastFirstAt !== undefined && elapsedMs() - lastFirstAt >= patience.furtherMs) break
    if (elapsedMs() >= patience.offerMs && lastFirstAt === undefined) break
    // A repeated packet with secs, because a relay may wait for it (RFC 1542 4.1.1), and a packet may be lost.
    if (!isRepeated && !isComplete && elapsedMs() >= patience.offerMs / 2) {
      isRepeated = true
      await send(4)
    }
  }
  return xids.map(answersTo)
}

const broadcast = { address: '255.255.255.255', port: dhcpPorts.server }

async function askBootServer(
  client: Client,
  server: string,
  address: string,
  { socket, identity, answersTo, patience, log }: Sending,
): Promise<Offer | undefined> {
  const xid = randomInt(1, 2 ** 32)
  const bytes = formatDhcp(formatBootRequest(client, identity, xid, address))
  const to = { address: server, port: dhcpPorts.bootServer }
  return askTwice(
    () => sendDatagram(socket, bytes, to, log),
    () => answersTo(xid)[0],
    patience.answerMs,
  )
}

async function inform(address: string, { socket, identity, answersTo, patience, log }: Sending): Promise<Offer[]> {
  const xid = randomInt(1, 2 ** 32)
  const bytes = formatDhcp(formatInform(identity, xid, address))
  const find = () => answersTo(xid).find(({ packet }) => messageTypeOf(packet) !== undefined)
  await askTwice(() => sendDatagram(socket, bytes, broadcast, log), find, patience.answerMs)
  return answersTo(xid)
}

async function askTwice<T>(send: () => void, find: () => T | undefined, maxMs: number): Promise<T | undefined> {
  const started = performance.now()
  send()
  let isRepeated = false
  while (performance.now() - started < maxMs) {
    await sleep(pollMs)
    const found = find()
    if (found !== undefined) return found
    if (!isRepeated && performance.now() - started >= maxMs / 2) {
      isRepeated = true
      send()
    }
  }
  return undefined
}
