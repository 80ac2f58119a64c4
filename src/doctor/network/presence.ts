// Judges the offers of a network as a whole: none, no address, or several servers that disagree. Pure.
import { messageTypes, optionCodes } from '../../lib/dhcp/option-codes.ts'
import { messageTypeOf } from '../../lib/dhcp/packet.ts'
import { type Finding, fault, pass, type Subject } from '../finding.ts'
import type { Client } from './firmware-takes.ts'
import { addressList, fileNames, givesAddress, isPxe, networkOf, type Offer, serverOf, tftpServerOf } from './offers.ts'
import { isOwn, type Probe, wordsOf } from './probe.ts'

/** The offers that each client got. */
export type Answered = { client: Client; offers: Offer[] }

const subjectOf = ({ device }: Pick<Probe, 'device'>): Subject => ({ check: 'DHCP server', where: device })

/** Whether firmware drops an offer without a message: one without option 54 (EDK2, Dhcp4Io.c; iPXE, dhcp.c). */
export function isDropped({ packet }: Offer): boolean {
  return messageTypeOf(packet) === messageTypes.offer && !packet.options.has(optionCodes.serverId)
}

/** The servers whose offers firmware drops. */
export function judgeDropped({ device }: Pick<Probe, 'device'>, offers: readonly Offer[]): Finding[] {
  const servers = distinct(offers.filter(isDropped).map(({ from }) => from))
  return servers.map((from) =>
    fault({ check: 'DHCP offers', where: device }, 'BW-DHCP-BAD-OFFER', `the offer of ${from} has no option 54`),
  )
}

/**
 * Judges a network in which no client got an address.
 * @param informed the answers to an INFORM: a server that gives no address may still answer it
 */
export function judgeNoAddress(probe: Probe, answered: readonly Answered[], informed: readonly Offer[]): Finding {
  const offers = answered.flatMap((answer) => answer.offers)
  const proxies = distinct(offers.map(serverOf))
  const proxyText = proxies.length === 0 ? '' : ` Proxy offers came from ${proxies.join(', ')}.`
  const present = distinct(informed.map(serverOf))
  if (present.length > 0)
    return fault(
      subjectOf(probe),
      'BW-POOL-EMPTY',
      `${present.join(', ')} answers an INFORM, but offers no address to a new machine.${proxyText}`,
    )
  const relay = offers.find(({ packet }) => packet.giaddr !== '0.0.0.0')
  if (relay !== undefined)
    return fault(
      subjectOf(probe),
      'BW-RELAY-TO-US-ONLY',
      `proxy offers of ${proxies.join(', ')} came through the relay ${relay.packet.giaddr}, and no offer with an address`,
    )
  return fault(subjectOf(probe), 'BW-DHCP-NO-OFFER', `no offer with an address for any kind of firmware.${proxyText}`)
}

/** Judges the DHCP servers of a network that gives addresses. */
export function judgeServers(probe: Probe, answered: readonly Answered[]): Finding[] {
  const servers = distinct(answered.flatMap(({ offers }) => offers.filter(givesAddress)).map(serverOf))
  const differences = distinct(answered.flatMap(differencesOf))
  const subject = subjectOf(probe)
  if (differences.length > 0)
    return [
      fault(subject, 'BW-DHCP-DISAGREE', `${servers.join(' and ')} offer different things: ${differences.join('; ')}`),
    ]
  const missing = answered.filter(({ offers }) => !offers.some(givesAddress)).map(({ client }) => wordsOf(client))
  if (missing.length > 0)
    return [
      fault(subject, 'BW-DHCP-NO-OFFER', `${servers.join(', ')} gives no address to ${missing.join(', ')}`, {
        state: 'warning',
      }),
    ]
  return [pass(subject, `${servers.join(' and ')} ${servers.length === 1 ? 'gives' : 'give'} addresses`)]
}

/** Each DHCP server on its own line of a comparison, for one client. */
function differencesOf({ client, offers }: Answered): string[] {
  const byServer = new Map(offers.filter(givesAddress).map((offer) => [serverOf(offer), offer]))
  if (byServer.size < 2) return []
  const list = [...byServer]
  const differing = (text: (offer: Offer) => string) =>
    new Set(list.map(([, offer]) => text(offer))).size > 1
      ? list.map(([server, offer]) => `${text(offer)} (${server})`).join(' or ')
      : undefined
  const boot = differing((offer) => bootTextOf(offer))
  const network = differing(networkTextOf)
  return [...(boot === undefined ? [] : [`${wordsOf(client)}: ${boot}`]), ...(network === undefined ? [] : [network])]
}

function bootTextOf(offer: Offer): string {
  const { option, field } = fileNames(offer)
  const file = option ?? field
  if (file === undefined) return isPxe(offer) ? 'a boot file on port 4011' : 'no boot file'
  return /^[a-z]+:\/\//i.test(file) ? file : `${file} from ${tftpServerOf(offer)}`
}

function networkTextOf({ packet }: Offer): string {
  const [mask = '0.0.0.0'] = addressList(packet, optionCodes.subnetMask)
  return `an address in ${networkOf(packet.yiaddr, mask)} with mask ${mask}`
}

/** Servers on this network that are not this Bootwright, with their part. DHCP servers are normal; boot servers are not. */
export function judgeForeign(probe: Probe, offers: readonly Offer[]): Finding[] {
  if (probe.server === undefined) return []
  const proxies = distinct(offers.filter((offer) => !givesAddress(offer) && isPxe(offer)).map(serverOf))
  const foreign = proxies.filter((address) => isOwn(probe, address) === false)
  const subject = { check: 'other boot servers', where: probe.device }
  if (foreign.length === 0) return [pass(subject, 'no other proxyDHCP server answers')]
  return [
    fault(subject, 'BW-FOREIGN-SERVER', `${foreign.join(', ')} answers as a proxyDHCP server`, { state: 'warning' }),
  ]
}

export function distinct(list: readonly string[]): string[] {
  return [...new Set(list)]
}
