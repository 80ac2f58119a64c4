// The destination of log lines that are not for a terminal.
import { write, writeSync } from 'node:fs'

/**
 * A destination of log lines. `write` neither throws nor blocks: it drops and counts the lines that it cannot write.
 */
export type LogOutput = { write: (line: string) => void; flushSync: () => void }

export const maxWaitingCharacters = 4 * 2 ** 20
const retryMs = 100
const maxRetriesAtExit = 10

type Batch = { bytes: Buffer; lines: number; noticed: number }

/**
 * Writes lines to a file descriptor in the background. sonic-boom, pino's own destination, ends the process if the disk
 * is full. Its flushSync retries forever, even at the end of the process. `formatNotice` formats a line with the number
 * of dropped lines. The next lines that can be written follow this notice.
 */
export function openLogOutput(fd: number, formatNotice: (dropped: number, reason: string) => string): LogOutput {
  let waiting: string[] = []
  let waitingCharacters = 0
  let isWriting = false
  let isLineBroken = false
  let dropped = 0
  let reason = ''

  const takeBatch = (): Batch => {
    const notice = dropped > 0 ? [formatNotice(dropped, reason)] : []
    const text = [...(isLineBroken ? ['\n'] : []), ...notice, ...waiting]
    const batch = { bytes: Buffer.from(text.join('')), lines: waiting.length, noticed: dropped }
    waiting = []
    waitingCharacters = 0
    return batch
  }
  const settle = ({ bytes, lines, noticed }: Batch, writtenBytes: number, error?: NodeJS.ErrnoException) => {
    const written = bytes.subarray(0, writtenBytes)
    const newlines = written.reduce((count, byte) => (byte === 10 ? count + 1 : count), 0)
    const ended = Math.max(0, newlines - (isLineBroken && newlines > 0 ? 1 : 0))
    if (writtenBytes > 0) isLineBroken = written.at(-1) !== 10
    if (ended > 0) dropped -= noticed
    dropped += lines - Math.max(0, ended - (noticed > 0 ? 1 : 0))
    if (error !== undefined) reason = error.message
  }
  const writeWaiting = () => {
    isWriting = true
    const batch = takeBatch()
    const writeFrom = (start: number) =>
      write(fd, batch.bytes, start, (error, count) => {
        if (error?.code === 'EAGAIN') return void setTimeout(writeFrom, retryMs, start).unref()
        const end = start + (error ? 0 : count)
        if (error === null && end < batch.bytes.length) return writeFrom(end)
        settle(batch, end, error ?? undefined)
        isWriting = false
        if (waiting.length > 0) writeWaiting()
      })
    writeFrom(0)
  }
  const flushSync = () => {
    if (waiting.length === 0) return
    const batch = takeBatch()
    let end = 0
    for (let retries = 0; end < batch.bytes.length; ) {
      try {
        end += writeSync(fd, batch.bytes, end)
      } catch (error) {
        const isBusy = (error as NodeJS.ErrnoException).code === 'EAGAIN' && retries < maxRetriesAtExit
        if (!isBusy) return settle(batch, end, error as NodeJS.ErrnoException)
        retries += 1
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, retryMs)
      }
    }
    settle(batch, end)
  }
  process.on('exit', flushSync)

  return {
    write: (line) => {
      if (waitingCharacters + line.length > maxWaitingCharacters) {
        dropped += 1
        reason = 'too many lines were waiting to be written'
        return
      }
      waiting.push(line)
      waitingCharacters += line.length
      if (!isWriting) writeWaiting()
    },
    flushSync,
  }
}
