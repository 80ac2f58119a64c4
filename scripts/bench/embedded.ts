import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { EmbeddedFigures } from './embedded-load.ts'
import { median } from './peers.ts'

const load = fileURLToPath(new URL('embedded-load.ts', import.meta.url))
const rounds = 3

const lines: [what: string, unit: string, key: keyof EmbeddedFigures][] = [
  ['start on an existing database', 'ms', 'startMs'],
  ['small read, median', 'ms', 'readP50Ms'],
  ['small read, p99', 'ms', 'readP99Ms'],
  ['boots inserted, 250 a statement', 'a second', 'rowsPerSecond'],
  ['transactions of 3 inserts', 'a second', 'transactionsPerSecond'],
  ['event loop while 1,000 boots are inserted, p99', 'ms', 'delayP99Ms'],
  ['event loop while 1,000 boots are inserted, max', 'ms', 'delayMaxMs'],
  ['memory at rest', 'MB', 'restMb'],
  ['memory after the load', 'MB', 'loadedMb'],
]

/**
 * Measures the embedded database from the thread of the server. BENCH_PROGRAMS is a list of compiled programs (`dist`, separated by
 * commas) that take turns, to compare two versions.
 */
export async function benchEmbedded(folder: string): Promise<void> {
  const programs = (process.env.BENCH_PROGRAMS ?? 'dist').split(',').map((program) => resolve(program))
  const all = programs.map(() => [] as EmbeddedFigures[])
  // The first start of each creates the database, and does not count.
  for (let round = 0; round <= rounds; round++)
    for (const [place, program] of programs.entries()) {
      const figures = await measure(program, join(folder, String(place)))
      if (round > 0) all[place]?.push(figures)
    }
  console.log(`\nEmbedded database, the medians of ${rounds} rounds${programs.length > 1 ? ' in turns' : ''}`)
  for (const [what, unit, key] of lines) {
    const values = all.map((list) => median(list.map((figures) => figures[key])).toFixed(key.endsWith('Ms') ? 2 : 0))
    console.log(`  ${what.padEnd(50)} ${values.map((value) => value.padStart(10)).join('')} ${unit}`)
  }
}

async function measure(program: string, folder: string): Promise<EmbeddedFigures> {
  const child = fork(load, [program, folder])
  const message = once(child, 'message') as Promise<[EmbeddedFigures]>
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the measurement ended with code ${code}`)
  })
  const [figures] = await Promise.race([message, ended])
  await ended.catch(() => {})
  return figures
}
