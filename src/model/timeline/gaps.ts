// Finds what should have followed in an attempt to boot, and did not. Pure.
import type { BootEvent, BootSummary, Stage } from '../boot.ts'
import { failureOf } from '../codes/explain.ts'
import { type FindingCode, findingCodes } from '../findings/table.ts'
import type { Gap } from './timeline.ts'

/** A machine that continues does so within this time: firmware waits up to 30 s, and iPXE up to 60 s, for DHCP. */
const patienceMs = 90_000
/** iPXE starts a kernel and Linux reaches the network within this time. */
const reportPatienceMs = 5 * 60_000
/** A program that firmware starts again this soon was not stopped by a person. */
const loopMs = 120_000
/** More requests in vain than firmware sends in one attempt. */
const manyRequests = 12

/** The events of one attempt in their order, with what the rules ask of them. */
type Seen = {
  events: BootEvent[]
  boot: BootSummary | undefined
  now: number
  of: (stage: Stage) => BootEvent[]
  /** Whether the machine has been silent for this time since an event. */
  isSilentSince: (event: BootEvent, forMs?: number) => boolean
}

type Rule = (seen: Seen) => Gap[]

/**
 * The gaps of one attempt, in the order of their times.
 * @param events in the order in which they were seen
 * @param boot the boot that the events belong to; undefined if the machine never got a script
 */
export function findGaps(events: BootEvent[], now: Date, boot?: BootSummary): Gap[] {
  const lastAt = events.at(-1)?.at.getTime() ?? 0
  const seen: Seen = {
    events,
    boot,
    now: now.getTime(),
    of: (stage) => events.filter((event) => event.stage === stage),
    isSilentSince: (event, forMs = patienceMs) =>
      now.getTime() - lastAt > forMs && now.getTime() - event.at.getTime() > forMs,
  }
  return rules.flatMap((rule) => rule(seen)).toSorted((first, second) => first.at.getTime() - second.at.getTime())
}

const gap = (event: { at: Date }, text: string, code?: FindingCode): Gap => ({
  text,
  at: event.at,
  ...(code !== undefined && { code }),
})

/** DHCP: asked, and this server did not answer. */
const ignored: Rule = ({ of, events }) => {
  const dhcp = of('dhcp')
  const [last] = dhcp.filter(({ kind }) => kind === 'ignored').slice(-1)
  if (last === undefined || dhcp.some(({ kind }) => kind === 'offered' || kind === 'answered')) return []
  if (events.some(({ stage }) => stage !== 'dhcp')) return []
  return [gap(last, `asked by DHCP, and proxyDHCP did not answer (${last.message ?? 'see the log'})`)]
}

/** DHCP: got an offer of this server, and never fetched the file that it names. */
const neverFetched: Rule = ({ of, boot, isSilentSince }) => {
  if (boot !== undefined || of('nbp').length > 0 || of('bootstrap').length > 0) return []
  const dhcp = of('dhcp')
  const [offer] = dhcp.filter(({ kind }) => kind === 'offered' || kind === 'answered').slice(-1)
  if (offer === undefined || !isSilentSince(offer)) return []
  const [answer] = dhcp.filter(({ kind }) => kind === 'answered').slice(-1)
  const [lease] = dhcp.filter(({ kind }) => kind === 'accepted').slice(-1)
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
  const complete = of('nbp').filter(({ message }) => message === undefined)
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

/** A machine has one firmware, or two modes of it. The doctor, or a person, fetches the boot programs of all kinds. */
function hasManyPrograms(fetches: BootEvent[]): boolean {
  return new Set(fetches.map(({ file }) => file)).size > 2
}

/** The boot programs of more kinds of firmware than a machine has. */
const checked: Rule = ({ of }) => {
  const complete = of('nbp').filter(({ message }) => message === undefined)
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
  const complete = of('nbp').filter(({ message }) => message === undefined)
  const [only] = complete.slice(-1)
  const [bootstrap] = of('bootstrap').slice(-1)
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
  const [last] = of('bootstrap').slice(-1)
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
  const [last] = broken.slice(-1)
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

/** A download of iPXE or of an installer was interrupted and not repeated. */
const brokenDownload: Rule = ({ events }) =>
  events
    .filter(
      ({ stage, message, bytes }) =>
        ['kernel', 'initrd', 'file'].includes(stage) && message !== undefined && bytes !== undefined,
    )
    .filter(
      (broken) =>
        !events.some(
          ({ stage, file, message, at }) =>
            stage === broken.stage && file === broken.file && message === undefined && at > broken.at,
        ),
    )
    .slice(-1)
    .map((broken) => gap(broken, `the download of ${broken.file} was interrupted after ${broken.bytes} bytes`))

/** A machine that retries without end. */
const storm: Rule = ({ of }) => {
  const dhcp = of('dhcp').filter(({ kind }) => kind === 'offered' || kind === 'ignored')
  const last = dhcp.at(-1)
  if (last === undefined || dhcp.length <= manyRequests) return []
  return [gap(last, `asked by DHCP ${dhcp.length} times in this attempt: it does not accept what it gets, or restarts`)]
}

/** The boot ended badly, with the decoded code if its message has one. */
const failed: Rule = ({ boot, of }) => {
  if (boot?.outcome !== 'failed') return []
  const at = boot.endedAt ?? boot.movedAt
  const isRefused = of('failed').length === 0
  const message = boot.message ?? 'no reason was given'
  if (isRefused) {
    const code = findingCodes.find((code) => code === boot.refusalCode)
    return [gap({ at }, `refused: ${message}`, code ?? 'BW-REFUSED')]
  }
  const decoded = failureOf(boot.message)
  return [
    gap(
      { at },
      decoded === undefined ? `failed: ${message}` : `failed: ${message} (${decoded.title})`,
      'BW-BOOT-FAILED',
    ),
  ]
}

/** The boot is open or stalled, and its machine is silent. */
const silent: Rule = ({ boot, now }) => {
  if (boot === undefined || (boot.outcome !== null && boot.outcome !== 'stalled')) return []
  const since = boot.heardAt !== null && boot.heardAt > boot.movedAt ? boot.heardAt : boot.movedAt
  if (boot.outcome === 'stalled') return [gap({ at: since }, boot.message ?? `stalled at ${boot.stage}`)]
  const silentMs = now - since.getTime()
  if (silentMs < reportPatienceMs) return []
  return [
    gap(
      { at: since },
      `${silences[boot.stage] ?? `reached ${boot.stage}`}, and nothing since for ${minutesOf(silentMs)}`,
    ),
  ]
}

const silences: { [S in Stage]?: string } = {
  script: 'got its script, asked for no file',
  kernel: 'loaded the kernel',
  initrd: 'loaded the initrd, did not start it',
  file: 'loaded its file, did not start it',
  ready: 'started the kernel, sent no report',
  'answer-file': 'fetched its answer file, sent no report',
}

const rules: Rule[] = [
  ignored,
  neverFetched,
  loop,
  checked,
  neverChained,
  neverScripted,
  brokenTransfer,
  brokenDownload,
  storm,
  failed,
  silent,
]

function countOf(count: number): string {
  return count === 2 ? 'twice' : `${count} times`
}

function minutesOf(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  return minutes < 120 ? `${minutes} minutes` : `${Math.floor(minutes / 60)} hours`
}
