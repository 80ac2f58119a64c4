// What the proxyDHCP server writes down: log lines and boot events.
import type { BootEventRecorder } from '../inventory/journal/open-journal.ts'
import { messageTypes } from '../lib/dhcp/option-codes.ts'
import { type DhcpPacket, macOf, messageTypeOf } from '../lib/dhcp/packet.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { createQuota } from '../lib/time/quota.ts'
import { noAddress } from '../model/boot.ts'
import type { Client } from './client.ts'
import { type Ignored, isWorthALine } from './ignored.ts'
import type { Reply } from './reply.ts'
import type { AcceptedLease } from './sightings.ts'

type About = { packet: DhcpPacket; device: string; from: string }

/** A flood of invented clients must not fill the disk. A thousand machines that start together need far less. */
const maxLinesPerSecond = 200

export type Records = ReturnType<typeof createRecords>

export function createRecords(
  events: Pick<BootEventRecorder, 'record'>,
  log: Logger,
  metrics?: Pick<Metrics, 'dhcpPacket'>,
) {
  const mayWrite = createQuota({
    max: maxLinesPerSecond,
    periodMs: 1000,
    atEnd: (dropped) => log.warn({ dropped }, 'log lines about DHCP clients were dropped'),
  })
  return {
    /** Writes a line about a client, unless there are too many. */
    warn: (fields: object, message: string) => {
      if (mayWrite()) log.warn(fields, message)
    },
    answered: (client: Client, bootFile: string, replies: Reply[]) => {
      const { mac, arrival, packet, kind } = client
      const words = wordsOf(client)
      metrics?.dhcpPacket(kindOf(packet), arrival.port === 4011 ? 'ack' : 'offer')
      const fields = {
        ...{ mac, interface: arrival.device, client: words, file: bootFile, port: arrival.port },
        to: replies[0]?.to.address,
        ...(packet.giaddr !== noAddress && { relay: packet.giaddr }),
      }
      if (mayWrite()) log.info(fields, 'boot file offered by proxyDHCP')
      const ip = arrival.port === 4011 ? arrival.from.address : packet.ciaddr
      if (mac !== undefined)
        events.record({
          ...{ stage: 'dhcp', ip, mac, client: kind, file: bootFile, message: `offered to ${words}` },
          kind: arrival.port === 4011 ? 'answered' : 'offered',
        })
    },
    ignored: ({ packet, device, from }: About, ignored: Ignored) => {
      const mac = macOf(packet)
      metrics?.dhcpPacket(kindOf(packet), ignored.ignored)
      const fields = { mac, interface: device, reason: ignored.ignored }
      if (!isWorthALine(ignored)) return log.debug(fields, `DHCP client ignored: ${ignored.why}`)
      if (mayWrite()) log.info(fields, `DHCP client ignored: ${ignored.why}`)
      if (mac !== undefined)
        events.record({ stage: 'dhcp', kind: 'ignored', ip: from, mac, message: `ignored: ${ignored.why}` })
    },
    accepted: ({ mac, address, server }: AcceptedLease) =>
      events.record({
        ...{ stage: 'dhcp', kind: 'accepted', ip: address, mac },
        message: `accepted ${address} from the DHCP server ${server}`,
      }),
    malformed: () => {
      metrics?.dhcpPacket('other', 'malformed')
      log.debug('a datagram that is not DHCP was ignored')
    },
  }
}

const kinds: Record<number, string> = {
  [messageTypes.discover]: 'discover',
  [messageTypes.request]: 'request',
  [messageTypes.inform]: 'inform',
}

function kindOf(packet: DhcpPacket): string {
  return kinds[messageTypeOf(packet) ?? 0] ?? 'other'
}

/** `UEFI x86-64`, `iPXE on BIOS`. */
function wordsOf({ kind, firmware, code }: Client): string {
  const words = firmware?.words ?? `firmware of kind ${code ?? 'unknown'}`
  return kind === 'ipxe' ? `iPXE on ${words}` : words
}
