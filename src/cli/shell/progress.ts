// The progress of a file on a terminal.
import type { CliDeps } from './deps.ts'
import { formatBytes } from './format.ts'

/** What is told of one file while it is read and sent. */
export type Progress = {
  /** So many bytes are done, of so many when that is known. */
  update: (doing: string, bytes: number, total: number | undefined) => void
  /** The line that stays. */
  end: (text: string) => void
  /** Makes room for an error: what was drawn goes. */
  clear: () => void
}

const redrawMs = 100
const clearLine = '\r\x1b[K'

/** On a terminal one line redrawn, with percent and bytes; elsewhere only the line that stays. */
export function startProgress(deps: CliDeps, label: string): Progress {
  let drawnAt = 0
  return {
    update: (doing, bytes, total) => {
      if (!deps.interactive || Date.now() - drawnAt < redrawMs) return
      drawnAt = Date.now()
      const percent = total ? `${Math.floor((100 * bytes) / total)}%`.padStart(5) : ''
      deps.err(
        `${clearLine}${label}: ${doing}${percent}  ${formatBytes(bytes)}${total ? ` of ${formatBytes(total)}` : ''}`,
      )
    },
    clear: () => {
      if (drawnAt > 0) deps.err(clearLine)
    },
    end: (text) => deps.err(`${deps.interactive ? clearLine : ''}${label}: ${text}\n`),
  }
}
