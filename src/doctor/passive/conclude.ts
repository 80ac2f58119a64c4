// What the packets of one machine say together. Pure.
import { messageTypes } from '../../lib/dhcp/option-codes.ts'
import { type DhcpPacket, messageTypeOf } from '../../lib/dhcp/packet.ts'
import { type FindingCode, findings } from '../../model/findings/table.ts'
import { fileNames, givesAddress, serverOf } from '../network/offers.ts'
import { clientKindOf, type Heard, hardwareAddressOf } from './explain.ts'

export type Conclusion = { mac: string; code?: FindingCode; seen: string }

/** A conclusion for each machine that wanted to boot from the network. Ordinary DHCP clients get none. */
export function concludePackets(heard: readonly Heard[]): Conclusion[] {
  return [...groupByMachine(heard)].flatMap(([mac, packets]) => {
    const conclusion = concludeMachine(packets)
    return conclusion === undefined ? [] : [{ mac, ...conclusion }]
  })
}

function groupByMachine(heard: readonly Heard[]): Map<string, Heard[]> {
  const groups = new Map<string, Heard[]>()
  for (const item of heard) {
    const mac = hardwareAddressOf(item.packet)
    const group = groups.get(mac)
    if (group === undefined) groups.set(mac, [item])
    else group.push(item)
  }
  return groups
}

const loopRequests = 3

function concludeMachine(heard: readonly Heard[]): Omit<Conclusion, 'mac'> | undefined {
  const requests = heard.filter(({ packet }) => packet.op === 1 && clientKindOf(packet) !== 'other')
  if (requests.length === 0) return undefined
  const offers = heard.filter(({ packet }) => packet.op === 2)
  const discovers = requests.filter(({ packet }) => messageTypeOf(packet) === messageTypes.discover)
  const accepted = requests.filter(({ packet }) => messageTypeOf(packet) === messageTypes.request)
  const ipxeAccepted = accepted.filter(({ packet }) => clientKindOf(packet) === 'ipxe')
  if (distinctTries(ipxeAccepted) >= loopRequests)
    return found('BW-IPXE-LOOP', `iPXE asked for an address ${distinctTries(ipxeAccepted)} times`)
  if (offers.length === 0)
    return found(
      'BW-DHCP-NO-OFFER',
      `${discovers.length} DISCOVER, and no offer by broadcast. Offers by unicast cannot be seen here`,
    )
  if (!offers.some(givesAddress)) {
    const servers = [...new Set(offers.map(serverOf))].join(', ')
    return found('BW-POOL-EMPTY', `offers only of the boot server ${servers}, none with an address`)
  }
  const hasFile = offers.some((offer) => fileNames(offer).option !== undefined || fileNames(offer).field !== undefined)
  if (!hasFile) return found('BW-DHCP-NO-FILE', 'no offer has a boot file')
  if (accepted.length === 0)
    return { seen: `${discovers.length} DISCOVER and ${offers.length} offers, but the machine accepted none of them` }
  return { seen: 'the machine accepted an address, and got a boot file' }
}

/** The number of different transactions: a repeated packet has the same number. */
function distinctTries(heard: readonly { packet: DhcpPacket }[]): number {
  return new Set(heard.map(({ packet }) => packet.xid)).size
}

function found(code: FindingCode, seen: string): Omit<Conclusion, 'mac'> {
  return { code, seen: `${findings[code].title}: ${seen}` }
}
