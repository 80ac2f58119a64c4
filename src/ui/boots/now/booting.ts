// Booting machines as rows of a page. Pure.
import type { BootSummary } from '../../../api/schemas/boots/boot.ts'
import type { Now } from '../../../api/schemas/boots/now.ts'
import { bytes, duration, speed } from '../../http/format.ts'
import { nameOf, outcomeState, type State, stageText } from '../words.ts'

type Booting = Now['booting']['items'][number]
type Download = NonNullable<Booting['download']>

/** A download as a bar and in words. */
export type Progress = { label: string; done: number; total: number; words: string }

export type BootingRow = {
  id: string
  name: string
  machineId: string | undefined
  image: string | undefined
  state: State
  /** The last step of an installer. */
  step: string | undefined
  progress: Progress | undefined
  /** Since when the boot is at its stage, and for how long. */
  since: string
  waited: string
  /** The likely cause of a stall, or a step that should have followed. */
  cause: { text: string; code: string | undefined } | undefined
}

/** The rows of booting machines, stalled ones first as the API sorts them. */
export function bootingRows({ booting, servedAt }: Now): BootingRow[] {
  return booting.items.map((boot) => {
    const cause = boot.stalled ?? boot.gap
    return {
      id: boot.id,
      name: nameOf(boot),
      machineId: boot.machineId,
      image: boot.image && `${boot.image}${boot.version === undefined ? '' : ` v${boot.version}`}`,
      state: stateOf(boot),
      step: boot.progress,
      progress: boot.download && progressOf(boot.download, nameOf(boot)),
      since: boot.movedAt,
      waited: duration(Math.max(0, Date.parse(servedAt) - Date.parse(boot.movedAt))),
      cause: cause && { text: cause.text, code: cause.code },
    }
  })
}

function stateOf({ stalled, download, stage, gap }: Booting): State {
  if (stalled) return { tone: 'bad', words: `stalled: ${stageText(stage)}` }
  if (download) return { tone: gap ? 'warn' : 'busy', words: `loads ${download.file}` }
  return { tone: gap ? 'warn' : 'busy', words: stageText(stage) }
}

/** A download in words: `41.2 MB of 96.0 MB, 43 %, 10.1 MB/s, 6 s left`. */
export function progressOf({ file, doneBytes, totalBytes, bytesPerSecond }: Download, of: string): Progress {
  const percent = totalBytes === 0 ? 100 : Math.floor((100 * doneBytes) / totalBytes)
  const left = bytesPerSecond ? duration((1000 * (totalBytes - doneBytes)) / bytesPerSecond) : undefined
  const words = [
    `${bytes(doneBytes)} of ${bytes(totalBytes)}`,
    `${percent} %`,
    ...(bytesPerSecond === undefined ? [] : [speed(bytesPerSecond)]),
    ...(left === undefined ? [] : [`${left} left`]),
  ]
  return { label: `${file} of ${of}`, done: doneBytes, total: Math.max(1, totalBytes), words: words.join(', ') }
}

/** The last boot, for a page without a running one. */
export function lastBootOf(boot: BootSummary | undefined) {
  return boot && { id: boot.id, name: nameOf(boot), startedAt: boot.startedAt, state: outcomeState(boot.outcome) }
}
