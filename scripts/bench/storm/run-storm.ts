import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Share, TimedBoot } from './generator.ts'

const generator = fileURLToPath(new URL('generator.ts', import.meta.url))
/** Extra time for a generator to start and to send its results. */
const graceMs = 20_000

/** Boots all machines from this number of processes; resolves with every boot, in the order of the machines. */
export async function runStorm(processes: number, storm: Omit<Share, 'first' | 'step'>): Promise<TimedBoot[]> {
  const parts = Array.from({ length: processes }, (_, first) => runShare({ ...storm, first, step: processes }))
  return (await Promise.all(parts)).flat().sort((a, b) => a.n - b.n)
}

async function runShare(share: Share): Promise<TimedBoot[]> {
  const child: ChildProcess = fork(generator, [JSON.stringify(share)])
  const cut = setTimeout(() => child.kill('SIGKILL'), share.limitMs + graceMs)
  let boots: TimedBoot[] | undefined
  child.on('message', (message) => {
    boots = message as TimedBoot[]
  })
  await once(child, 'exit')
  clearTimeout(cut)
  if (boots === undefined)
    throw new Error(`a load generator ended without a result: ${child.exitCode ?? child.signalCode}`)
  return boots
}
