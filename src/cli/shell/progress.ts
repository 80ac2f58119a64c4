// The progress of a file on a terminal.
import type { CliDeps } from './deps.ts'
import { formatBytes } from './format.ts'

/** Shows the progress of a file while it is read and sent. */
export type Progress = {
  /** Reports the bytes done, and the total if it is known. */
  update: (doing: string, bytes: number, total: number | undefined) => void
  /** Prints the final line. */
  end: (text: string) => void
  /** Erases the line, so that an error can be printed. */
  clear: () => void
}

const redrawMs = 100
const clearLine = '\r\x1b[K'

/** On a terminal redraws one line with percent and bytes; elsewhere prints only the final line. */
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
