import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'

/** A program of the lab that runs during a test, with its output. */
export type Running = {
  child: ChildProcessWithoutNullStreams
  /** The output so far, of both streams, without terminal control sequences. */
  text(): string
  /** The last lines of the output, each with the seconds since the start. */
  lastLines(count: number): string
  /** Resolves with the match; rejects with the last 60 lines when the program ends, or after `timeoutMs`. */
  waitFor(pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray>
  /** Resolves at the program's end. */
  ended: Promise<void>
  /** Sends SIGTERM, after 5 s SIGKILL; resolves when the program has ended. */
  stop(): Promise<void>
}

/** Starts a program inside a network namespace. */
export function startIn(namespace: string, program: string, args: string[], env: Record<string, string> = {}): Running {
  const name = program.slice(program.lastIndexOf('/') + 1)
  // `ip netns exec` becomes the program, so the child's pid is that of the program.
  const child = spawn('ip', ['netns', 'exec', namespace, program, ...args], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, LC_ALL: 'C.UTF-8', ...env },
  })
  const startedAt = performance.now()
  const lineTimes: number[] = []
  let text = ''
  const watchers = new Set<() => void>()
  const collect = (chunk: string) => {
    text = withoutControls(text + chunk)
    const lines = text.split('\n').length
    while (lineTimes.length < lines) lineTimes.push((performance.now() - startedAt) / 1000)
    for (const watch of watchers) watch()
  }
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', collect)
  // A write to a program that has just ended must not fail the test.
  child.stdin.on('error', () => undefined)

  let running = true
  const ended = new Promise<void>((resolve) => {
    const end = () => {
      running = false
      resolve()
      for (const watch of watchers) watch()
    }
    child.on('close', end).on('error', (error) => {
      collect(`${error.message}\n`)
      end()
    })
  })

  const lastLines = (count: number) => {
    const lines = text.split('\n').map((line, index) => `${(lineTimes[index] ?? 0).toFixed(1).padStart(6)} ${line}`)
    return lines.slice(-count).join('\n')
  }

  function waitFor(pattern: RegExp, timeoutMs: number): Promise<RegExpExecArray> {
    return new Promise((resolve, reject) => {
      const finish = (act: () => void) => {
        clearTimeout(timer)
        watchers.delete(watch)
        act()
      }
      const fail = (why: string) =>
        finish(() => reject(new Error(`${name}: ${why} before ${pattern} was seen; its last lines:\n${lastLines(60)}`)))
      const watch = () => {
        const match = pattern.exec(text)
        if (match !== null) finish(() => resolve(match))
        else if (!running) fail('the program ended')
      }
      const timer = setTimeout(() => fail(`${timeoutMs / 1000} s passed`), timeoutMs)
      watchers.add(watch)
      watch()
    })
  }

  async function stop(): Promise<void> {
    if (!running) return
    child.kill('SIGTERM')
    const insist = setTimeout(() => child.kill('SIGKILL'), 5000)
    await ended
    clearTimeout(insist)
  }

  return { child, text: () => text, lastLines, waitFor, ended, stop }
}

/** Firmware draws with ANSI sequences (ECMA-48 CSI) and ends lines with CR LF; a sequence that is split is completed by the next chunk. */
function withoutControls(text: string): string {
  return text
    .replace(/\x1b\[[0-9;?=]*[A-Za-z]/g, '')
    .replace(/\x1b[()][A-Z0-9]|\x1bc/g, '')
    .replace(/\r/g, '')
}
