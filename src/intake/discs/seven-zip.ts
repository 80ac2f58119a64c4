// Runs the 7-Zip program, and parses its list of files.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { ConfigError, InputError } from '../../lib/errors.ts'

// Debian 12 calls the program `7zz`, Debian 13 `7z`.
const programs = ['7zz', '7z']

/** Characters that 7-Zip may print of a list of files (200 to 400 for each), and how long it may take. */
const maxListed = 64 * 2 ** 20
const listTimeoutMs = 120_000

/**
 * An entry of an archive, as 7-Zip lists it. `sizeBytes` is the size of the bytes that 7-Zip reads: 0 for a hard link, the length of
 * the target for a symbolic link in a zip or a tar.
 */
export type Listed = {
  path: string
  sizeBytes: number
  kind: 'file' | 'folder' | 'link' | 'device' | 'pipe' | 'socket'
  /** Of a symbolic link, where 7-Zip tells it: for a zip it is in the link's bytes, and of Joliet's names it is not known. */
  target?: string
  /** The path in the archive that a hard link is another name of. */
  sameAs?: string
}

/** An archive of one type, in 7-Zip's words (`iso`, `udf`, `zip`, `tar`); `within`: it is compressed as a whole by that (`gzip`, `xz`). */
export type Source = { path: string; type: string; within?: string | undefined }

/** Lists all entries of an archive. @throws InputError if it is damaged; ConfigError if 7-Zip is not installed */
export async function listArchive(source: Source, signal: AbortSignal): Promise<Listed[]> {
  const running = await start(source, ['l', '-slt'], [], AbortSignal.any([signal, AbortSignal.timeout(listTimeoutMs)]))
  const decoder = new TextDecoder()
  let text = ''
  try {
    for await (const chunk of running.output) {
      text += decoder.decode(chunk as Uint8Array, { stream: true })
      if (text.length > maxListed)
        throw new InputError({ field: 'archive', value: source.path, expected: 'fewer files in it' })
    }
    const fault = await running.fault()
    // The output has the properties of the archive, a separator line, and a block for each file.
    const head = text.indexOf(separator)
    if (fault !== undefined) throw damaged(source.path, reasonIn(text.slice(0, head < 0 ? undefined : head)) ?? fault)
    return head < 0
      ? []
      : text
          .slice(head + separator.length)
          .split('\n\n')
          .flatMap(parseBlock)
  } finally {
    running.stop()
  }
}

/**
 * The bytes of files one after the other, in the order of the archive, by the paths that `listArchive` told. Of a path that is there
 * several times all of them. @throws InputError when the archive is damaged
 */
export async function* readArchived(source: Source, paths: string[], signal: AbortSignal): AsyncIterable<Uint8Array> {
  // -spd disables wildcards in paths. After `--` a path is neither a switch nor, with an @, a list file.
  const running = await start(source, ['x', '-so', '-spd', '-ssc'], paths, signal)
  try {
    for await (const chunk of running.output) yield chunk as Uint8Array
    const fault = await running.fault()
    if (fault !== undefined) throw damaged(source.path, fault)
  } finally {
    running.stop()
  }
}

const separator = '\n----------\n'

function parseBlock(block: string): Listed[] {
  const path = /^Path = (.*)$/m.exec(block)?.[1]
  const size = /^Size = (.*)$/m.exec(block)?.[1] ?? ''
  if (path === undefined || !/^\d{0,15}$/.test(size)) return []
  const target = /^Symbolic Link = (.+?)\/*$/m.exec(block)?.[1]
  const sameAs = /^Hard Link = (.+)$/m.exec(block)?.[1]
  const letter = /^(?:Mode|Attributes) = .*?([-dlcbps])[-r][-w][-xsS][-r][-w][-xsS][-r][-w][-xtT]$/m.exec(block)?.[1]
  const kind = /^Folder = \+/m.test(block) ? 'folder' : target === undefined ? kinds[letter ?? '-'] : 'link'
  return [{ path, sizeBytes: Number(size), kind: kind ?? 'file', ...(target && { target }), ...(sameAs && { sameAs }) }]
}

/** By the letter that a mode begins with. */
const kinds: Record<string, Listed['kind']> = {
  d: 'folder',
  l: 'link',
  c: 'device',
  b: 'device',
  p: 'pipe',
  s: 'socket',
}

type Running = {
  output: Readable
  /** Waits for the end, and returns the error of 7-Zip, if any. */
  fault: () => Promise<string | undefined>
  stop: () => void
}

async function start(source: Source, command: string[], paths: string[], signal: AbortSignal): Promise<Running> {
  signal.throwIfAborted()
  const { path, type, within } = source
  const unpacker = within === undefined ? undefined : await spawned(['x', '-so', ...quiet, `-t${within}`, '--', path])
  const archive = unpacker === undefined ? ['--', path] : ['-si', '--']
  const reader = await spawned([...command, ...quiet, `-t${type}`, ...archive, ...paths], unpacker?.output)
  const children = unpacker === undefined ? [reader] : [unpacker, reader]
  const stop = () => {
    signal.removeEventListener('abort', stop)
    for (const { child } of children) child.kill('SIGKILL')
  }
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  const fault = async () => {
    const verdicts = await Promise.all(children.map(({ verdict }) => verdict))
    signal.throwIfAborted()
    return verdicts.find((verdict) => verdict !== undefined)
  }
  return { output: reader.output, fault, stop }
}

const quiet = ['-sccUTF-8', '-bd', '-y']

type Spawned = { child: ChildProcess; output: Readable; verdict: Promise<string | undefined> }

/** @throws ConfigError when no such program is installed */
async function spawned(args: string[], input?: Readable): Promise<Spawned> {
  for (const program of programs) {
    const child = spawn(program, args, { stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'] })
    const ended = once(child, 'close').catch(() => [])
    const failure = await once(child, 'spawn').then(
      () => undefined,
      (error: NodeJS.ErrnoException) => error,
    )
    if (failure?.code === 'ENOENT') continue
    if (failure !== undefined) throw failure
    // A reader that ends early breaks the pipe; its exit code tells what matters.
    if (input !== undefined && child.stdin !== null) pipeline(input, child.stdin).catch(() => undefined)
    const { stdout: output, stderr } = child as { stdout: Readable; stderr: Readable }
    return { child, output, verdict: verdictOf(stderr, ended) }
  }
  throw new ConfigError('ISOs and archives are read by 7-Zip, which is not installed: apt-get install 7zip')
}

/** Exit code 1 is a warning: bytes after the end, as hybrid ISOs have them. */
async function verdictOf(stderr: Readable, ended: Promise<unknown[]>): Promise<string | undefined> {
  let errorText = ''
  for await (const chunk of stderr) errorText = (errorText + String(chunk)).slice(-2000)
  const [code] = await ended
  if (code === 0 || code === 1) return undefined
  return reasonIn(errorText) ?? `it ended with ${code ?? 'a signal'}`
}

function reasonIn(text: string): string | undefined {
  return /(?:Unexpected end|Cannot open|Data Error|Headers Error|CRC Failed|Is not archive)[^\n:]*/
    .exec(text)?.[0]
    .trim()
}

function damaged(path: string, reason: string): InputError {
  return new InputError({ field: 'file', value: path, expected: `an undamaged ISO or archive (7-Zip: ${reason})` })
}
