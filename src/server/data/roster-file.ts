// The file of the roster in the data folder: written once a minute and at the end, and read at the start. Called by data.ts.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Roster } from '../../inventory/roster/roster.ts'
import { messageOf } from '../../lib/errors.ts'
import { syncFolder } from '../../lib/folders.ts'
import type { Logger } from '../../lib/log.ts'
import { startLoop } from '../../lib/time/loop.ts'

/** Bytes that are hashed and written in one turn of the event loop. */
const chunkBytes = 65_536
const lookEveryMs = 5000
const saveEveryMs = 60_000

/** The last line: the hash of all bytes before it. */
const lastLine = (hash: string) => `sha256 ${hash}\n`
const lastLineBytes = lastLine('0'.repeat(64)).length

/**
 * Writes the roster to a file whenever it changed, at most once a minute. `stop` writes it once more. A disk that takes nothing
 * is logged, and changes nothing else.
 */
export function startRosterFile(
  path: string,
  roster: Pick<Roster, 'changes' | 'lines'>,
  log: Logger,
): { stop: () => Promise<void> } {
  let saved: number | undefined
  let savedAt = Number.NEGATIVE_INFINITY
  const save = async () => {
    const changes = roster.changes()
    const lines = changes === saved ? undefined : roster.lines()
    if (lines === undefined) return
    savedAt = performance.now()
    await writeLines(path, lines)
    saved = changes
  }
  const loop = startLoop(
    async () => {
      if (performance.now() - savedAt >= saveEveryMs) await save()
      return false
    },
    { name: 'saving the roster', everyMs: lookEveryMs, log },
  )
  return {
    stop: async () => {
      await loop.stop()
      await save().catch((error: unknown) => log.warn({ error: messageOf(error) }, 'the roster was not saved'))
    },
  }
}

/** Writes lines to a file: under another name first, so that a reader finds all of them or the earlier file. */
export async function writeLines(path: string, lines: Iterable<string>): Promise<void> {
  const draft = `${path}.new`
  await rm(draft, { force: true })
  const handle = await open(draft, 'wx', 0o600)
  try {
    await writeHashed(handle, lines)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(draft, path)
  await syncFolder(dirname(path))
}

async function writeHashed(handle: FileHandle, lines: Iterable<string>): Promise<void> {
  const hash = createHash('sha256')
  let text = ''
  const write = async () => {
    const bytes = Buffer.from(text)
    text = ''
    hash.update(bytes)
    await handle.writeFile(bytes)
  }
  for (const line of lines) {
    text += `${line}\n`
    if (text.length >= chunkBytes) await write()
  }
  await write()
  await handle.writeFile(lastLine(hash.digest('hex')))
}

/** The lines of a file; undefined if there is no file, or if the file is damaged. */
export async function readLines(path: string, log: Logger): Promise<AsyncIterable<string> | undefined> {
  try {
    const bytes = await checkHash(path)
    return bytes === undefined ? undefined : splitLines(path, bytes)
  } catch (error) {
    log.warn({ path, error: messageOf(error) }, 'the saved roster is not used')
    return undefined
  }
}

/** The number of bytes before the last line; undefined without a file. @throws when the hash is another one */
async function checkHash(path: string): Promise<number | undefined> {
  const handle = await open(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
  })
  if (handle === undefined) return undefined
  try {
    const bytes = (await handle.stat()).size - lastLineBytes
    if (bytes <= 0) throw new Error('the file is too short')
    const hash = createHash('sha256')
    for await (const chunk of createReadStream(path, { end: bytes - 1, highWaterMark: 2 ** 20 })) hash.update(chunk)
    const { buffer } = await handle.read(Buffer.alloc(lastLineBytes), 0, lastLineBytes, bytes)
    if (buffer.toString('latin1') !== lastLine(hash.digest('hex'))) throw new Error('the file is damaged')
    return bytes
  } finally {
    await handle.close()
  }
}

// Not `readline`: it also splits at U+2028, which JSON does not escape.
async function* splitLines(path: string, bytes: number): AsyncGenerator<string> {
  let part = ''
  for await (const chunk of createReadStream(path, { end: bytes - 1, encoding: 'utf8', highWaterMark: chunkBytes })) {
    const lines = `${part}${chunk}`.split('\n')
    part = lines.pop() ?? ''
    yield* lines
  }
}
