// Gaps before the script: DHCP, the boot program and the bootstrap. Pure.
import type { BootEvent } from '../boot.ts'
import { gap, type Rule } from './gap-rule.ts'

/** A program that firmware starts again this soon was not stopped by a person. */
const loopMs = 120_000
/** More requests in vain than firmware sends in one attempt. */
const manyRequests = 12

/** DHCP: asked, and this server did not answer. */
const ignored: Rule = ({ of, events }) => {
  const dhcp = of('dhcp')
  const last = dhcp.findLast(({ kind }) => kind === 'ignored')
  if (last === undefined || dhcp.some(({ kind }) => kind === 'offered' || kind === 'answered')) return []
  if (events.some(({ stage }) => stage !== 'dhcp')) return []
  return [gap(last, `asked by DHCP, and proxyDHCP did not answer (${last.message ?? 'see the log'})`)]
}

/** DHCP: got an offer of this server, and never fetched the file that it names. */
const neverFetched: Rule = ({ of, boot, isSilentSince }) => {
  if (boot !== undefined || of('nbp').length > 0 || of('bootstrap').length > 0) return []
  const dhcp = of('dhcp')
  const offer = dhcp.findLast(({ kind }) => kind === 'offered' || kind === 'answered')
  if (offer === undefined || !isSilentSince(offer)) return []
  const answer = dhcp.findLast(({ kind }) => kind === 'answered')
  const lease = dhcp.findLast(({ kind }) => kind === 'accepted')
  const by = offer.client === 'pxe' ? 'TFTP' : 'HTTP'
  const blocked = by === 'TFTP' ? 'BW-TFTP-BLOCKED' : 'BW-HTTP-BLOCKED'
  if (offer.client === 'ipxe' && lease === undefined)
    return [gap(offer, 'iPXE got the URL of the bootstrap and never asked for it', 'BW-HTTP-BLOCKED')]
  if (answer !== undefined)
    return [gap(answer, `asked on port 4011, got ${answer.file ?? 'a file'}, and never asked for it by ${by}`, blocked)]
  if (lease === undefined)
    return [
      gap(
        offer,
        'got the offer of this server, and accepted no address: no DHCP server gave one, or its answers do not pass here',
        'BW-POOL-EMPTY',
      ),
    ]
  return [
    gap(
      lease,
      `got the offer of this server and an address, and never asked here for ${offer.file ?? 'the file'}: another server named the boot file, or ${by} is blocked`,
      'BW-FOREIGN-PROXY',
    ),
  ]
}

/** The boot program was fetched repeatedly, and never asked for the bootstrap. */
const loop: Rule = ({ of, events }) => {
  const complete = completeOf(of('nbp'))
  if (hasManyPrograms(complete)) return []
  return [...new Set(complete.map(({ file }) => file))].flatMap((file) => {
    const fetches = complete.filter((event) => event.file === file)
    const [first, second] = fetches
    const last = fetches.at(-1)
    if (first === undefined || second === undefined || last === undefined) return []
    const isAsked = events.some(({ stage, at }) => stage !== 'dhcp' && stage !== 'nbp' && at > second.at)
    if (isAsked || second.at.getTime() - first.at.getTime() > loopMs) return []
    return [
      gap(
        last,
        `fetched ${file} ${countOf(fetches.length)}, and never asked for /boot.ipxe: its second DHCP answer named the same file, so it loops`,
        'BW-IPXE-LOOP',
      ),
    ]
  })
}

/** The downloads that were not interrupted. */
function completeOf(fetches: BootEvent[]): BootEvent[] {
  return fetches.filter(({ message }) => message === undefined)
}

/** A machine has one firmware, or two modes of it. The doctor, or a person, fetches the boot programs of all kinds. */
function hasManyPrograms(fetches: BootEvent[]): boolean {
  return new Set(fetches.map(({ file }) => file)).size > 2
}

/** The boot programs of more kinds of firmware than a machine has. */
const checked: Rule = ({ of }) => {
  const complete = completeOf(of('nbp'))
  const last = complete.at(-1)
  if (last === undefined || !hasManyPrograms(complete)) return []
  return [
    gap(
      last,
      'fetched boot programs of several kinds of firmware: this was a check by the doctor or a person, no machine',
    ),
  ]
}

/** The boot program was fetched once, and nothing followed. */
const neverChained: Rule = ({ of, boot, isSilentSince }) => {
  const complete = completeOf(of('nbp'))
  const only = complete.at(-1)
  const bootstrap = of('bootstrap').at(-1)
  if (hasManyPrograms(complete)) return []
  if (only === undefined || boot !== undefined || bootstrap !== undefined || !isSilentSince(only)) return []
  if (complete.filter(({ file }) => file === only.file).length > 1) return []
  const ipxe = of('dhcp').find(({ client, at }) => client === 'ipxe' && at > only.at)
  if (ipxe !== undefined)
    return [
      gap(
        ipxe,
        `iPXE started from ${only.file}, got its answer by DHCP, and never asked for /boot.ipxe`,
        'BW-HTTP-BLOCKED',
      ),
    ]
  return [
    gap(
      only,
      `fetched ${only.file}, and never asked for /boot.ipxe: the program did not start (Secure Boot, wrong firmware), got no address, or cannot reach HTTP`,
      'BW-HTTP-BLOCKED',
    ),
  ]
}

/** The bootstrap was fetched, and no script was asked for. */
const neverScripted: Rule = ({ of, boot, isSilentSince }) => {
  const last = of('bootstrap').at(-1)
  if (last === undefined || boot !== undefined || !isSilentSince(last)) return []
  const text =
    last.file === undefined
      ? 'fetched the bootstrap, and never asked for its script: the URL in it does not reach this server'
      : `fetched ${last.file} by TFTP, and never asked for its script by HTTP`
  return [gap(last, text, last.file === undefined ? 'BW-BASE-URL' : 'BW-HTTP-BLOCKED')]
}

/** A transfer of a boot program was interrupted. */
const brokenTransfer: Rule = ({ of }) => {
  const broken = of('nbp').filter(({ message }) => message !== undefined)
  const last = broken.at(-1)
  if (last === undefined || of('nbp').some(({ message, at }) => message === undefined && at > last.at)) return []
  const times = broken.length > 1 ? `, ${countOf(broken.length)}` : ''
  if ((last.bytes ?? 0) > 0)
    return [
      gap(
        last,
        `the transfer of ${last.file} was interrupted after ${last.bytes} bytes${times}: packets are lost`,
        'BW-MTU',
      ),
    ]
  return [gap(last, `asked for ${last.file}, and no packet of it arrived${times}`, 'BW-TFTP-ANSWERS-BLOCKED')]
}

/** A machine that retries without end. */
const storm: Rule = ({ of }) => {
  const dhcp = of('dhcp').filter(({ kind }) => kind === 'offered' || kind === 'ignored')
  const last = dhcp.at(-1)
  if (last === undefined || dhcp.length <= manyRequests) return []
  return [gap(last, `asked by DHCP ${dhcp.length} times in this attempt: it does not accept what it gets, or restarts`)]
}

/** The rules for firmware and iPXE, in the order of a boot. */
export const firmwareRules: Rule[] = [
  ignored,
  neverFetched,
  loop,
  checked,
  neverChained,
  neverScripted,
  brokenTransfer,
  storm,
]

function countOf(count: number): string {
  return count === 2 ? 'twice' : `${count} times`
}
