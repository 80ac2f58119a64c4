// Progress on a terminal.

import { formatBytes } from '../../lib/text/format.ts'
import type { CliDeps } from './deps.ts'

/** The progress line of an operation. */
export type Progress = {
  /** Shows the number of bytes done, and the total if it is defined. */
  update: (doing: string, bytes: number, total: number | undefined) => void
  /** Prints the final line. */
  end: (text: string) => void
  /** Clears the progress line before an error is printed. */
  clear: () => void
}

const redrawMs = 100
const clearLine = '\r\x1b[K'

/** On a terminal, redraws one line with percent and bytes. Elsewhere, prints only the final line. */
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
