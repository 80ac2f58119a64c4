import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { ask } from './admin.ts'
import { onEachDatabase } from './databases.ts'
import { fillCatalog, importMachines, machineCount } from './inventory.ts'
import { cpuSeconds, residentMb, startNginx } from './peers.ts'

const seconds = 8
/** Time in which every boot must be in the database after the last script. */
const recordedWithinMs = 60_000

/** Measures scripts for 100,000 machines with 200 groups, each boot recorded, against nginx with one such script as a file. */
export async function benchScripts(folder: string): Promise<void> {
  const root = join(folder, 'static')
  mkdirSync(root, { recursive: true })
  const nginx = await startNginx(join(folder, 'static-nginx'), root)
  try {
    await onEachDatabase(folder, async ({ database, port, pid, socket }) => {
      await fillCatalog(socket)
      await importMachines(socket)
      const path = `http://127.0.0.1:${port}/ipxe?mac=52-54-00-00-00-07&platform=efi&buildarch=x86_64`
      writeFileSync(join(root, 'script.ipxe'), await (await fetch(path)).text())
      console.log(
        `\nScripts, ${machineCount} machines and 200 groups in ${database} on the same cores, ${seconds} s each`,
      )
      for (const connections of [1, 64, 512]) {
        const [before, cpuBefore] = [await recordedBoots(socket), cpuSeconds(pid)]
        const served = await wrk(folder, connections, port, 'iPXE/1.21.1')
        const cpu = cpuSeconds(pid) - cpuBefore
        const recorded = await untilRecorded(socket, before + served.requests)
        const previewed = await wrk(folder, connections, port, 'wrk')
        const fixed = await wrk(folder, connections, nginx.port, 'iPXE/1.21.1', '/script.ipxe')
        const figures = [
          row('served, boot recorded', served),
          `${((1e6 * cpu) / served.requests).toFixed(0)} µs of processor time each`,
          row('previews', previewed),
          row('nginx, one file', fixed),
          `ratio ${(served.perSecond / fixed.perSecond).toFixed(4)}`,
        ]
        console.log(`  ${String(connections).padStart(3)} connections: ${figures.join('; ')}`)
        console.log(`      ${recorded.boots - before} of ${served.requests} boots in the database ${recorded.when}`)
      }
      console.log(`  Bootwright holds ${residentMb(pid)} MB`)
    })
  } finally {
    await nginx.stop()
  }
}

type Figure = { requests: number; perSecond: number; p50Ms: number; p99Ms: number; errors: number }
const row = (name: string, { perSecond, p50Ms, p99Ms, errors }: Figure) =>
  `${name} ${Math.round(perSecond)}/s p50 ${p50Ms.toFixed(2)} p99 ${p99Ms.toFixed(1)} ms${errors > 0 ? ` ${errors} ERRORS` : ''}`

/** The boots that this server has written to the database. */
async function recordedBoots(socket: string): Promise<number> {
  const text = await ask(socket, 'GET', '/metrics')
  const counts = [...text.matchAll(/^bootwright_boots_started_total\S* (\d+)/gm)].map(([, count]) => Number(count))
  return counts.reduce((sum, count) => sum + count, 0)
}

async function untilRecorded(socket: string, expected: number): Promise<{ boots: number; when: string }> {
  const started = performance.now()
  for (;;) {
    const boots = await recordedBoots(socket)
    const ms = performance.now() - started
    if (boots >= expected) return { boots, when: `within ${(ms / 1000).toFixed(1)} s of the last script` }
    if (ms > recordedWithinMs) return { boots, when: `${recordedWithinMs / 1000} s after the last script: MISSING` }
    await sleep(200)
  }
}

/** wrk requests the script of a random machine each time (or one path), and its `done` function prints the counts. */
async function wrk(folder: string, connections: number, port: number, agent: string, path?: string): Promise<Figure> {
  const lua = join(folder, 'ask.lua')
  const target =
    path === undefined
      ? `string.format("/ipxe?mac=52-54-00-%02x-%02x-%02x&platform=efi&buildarch=x86_64", math.floor(n / 65536), math.floor(n / 256) % 256, n % 256)`
      : `"${path}"`
  writeFileSync(
    lua,
    `request = function() local n = math.random(1, ${machineCount}); return wrk.format("GET", ${target}, { ["User-Agent"] = "${agent}", ["Host"] = "127.0.0.1:${port}" }) end
done = function(s, latency) local e = s.errors; io.write(string.format("RESULT %d %d %d %d %d", s.requests, s.duration, latency:percentile(50), latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout)) end\n`,
  )
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', lua, `http://127.0.0.1:${port}/`]
  const { stdout } = await promisify(execFile)('wrk', args)
  const [requests = 0, microseconds = 1, p50 = 0, p99 = 0, errors = 0] = (
    /RESULT (\d+) (\d+) (\d+) (\d+) (\d+)/.exec(stdout) ?? []
  )
    .slice(1)
    .map(Number)
  return { requests, perSecond: requests / (microseconds / 1e6), p50Ms: p50 / 1000, p99Ms: p99 / 1000, errors }
}
