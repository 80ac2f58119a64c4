// Gaps from the script on: downloads, reports and the outcome. Pure.
import type { Stage } from '../boot.ts'
import { failureOf } from '../codes/explain.ts'
import { findingCodes } from '../findings/table.ts'
import { gap, type Rule } from './gap-rule.ts'

/** iPXE starts a kernel and Linux reaches the network within this time. */
const reportPatienceMs = 5 * 60_000
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

/** The rules for a boot, in its order. */
export const bootRules: Rule[] = [brokenDownload, failed, silent]

function minutesOf(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  return minutes < 120 ? `${minutes} minutes` : `${Math.floor(minutes / 60)} hours`
}
