import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { onEachDatabase } from './databases.ts'
import { fillCatalog, importMachines, machineCount } from './inventory.ts'
import { residentMb, startNginx } from './peers.ts'

const seconds = 8

/** Measures scripts for 100,000 machines with 200 groups, each boot recorded, against nginx with one such script as a file. */
export async function benchScripts(folder: string): Promise<void> {
  const root = join(folder, 'static')
  mkdirSync(root, { recursive: true })
  const nginx = await startNginx(join(folder, 'static-nginx'), root)
  try {
    await onEachDatabase(folder, async ({ database, port, pid, socket }) => {
      await fillCatalog(socket)
      await importMachines(socket)
      const ask = `http://127.0.0.1:${port}/ipxe?mac=52-54-00-00-00-07&platform=efi&buildarch=x86_64`
      writeFileSync(join(root, 'script.ipxe'), await (await fetch(ask)).text())
      console.log(
        `\nScripts, ${machineCount} machines and 200 groups in ${database} on the same cores, ${seconds} s each`,
      )
      for (const connections of [1, 64, 512]) {
        const served = await wrk(folder, connections, port, 'iPXE/1.21.1')
        const previewed = await wrk(folder, connections, port, 'wrk')
        const fixed = await wrk(folder, connections, nginx.port, 'iPXE/1.21.1', '/script.ipxe')
        const figures = [
          row('served, boot recorded', served),
          row('previews', previewed),
          row('nginx, one file', fixed),
          `ratio ${(served.perSecond / fixed.perSecond).toFixed(4)}`,
        ]
        console.log(`  ${String(connections).padStart(3)} connections: ${figures.join('; ')}`)
      }
      console.log(`  Bootwright holds ${residentMb(pid)} MB`)
    })
  } finally {
    await nginx.stop()
  }
}

type Figure = { perSecond: number; p99Ms: number; errors: number }
const row = (name: string, { perSecond, p99Ms, errors }: Figure) =>
  `${name} ${Math.round(perSecond)}/s p99 ${p99Ms.toFixed(1)} ms${errors > 0 ? ` ${errors} ERRORS` : ''}`

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
done = function(s, latency) local e = s.errors; io.write(string.format("RESULT %d %d %d %d", s.requests, s.duration, latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout)) end\n`,
  )
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', lua, `http://127.0.0.1:${port}/`]
  const { stdout } = await promisify(execFile)('wrk', args)
  const [requests = 0, microseconds = 1, p99 = 0, errors = 0] = (/RESULT (\d+) (\d+) (\d+) (\d+)/.exec(stdout) ?? [])
    .slice(1)
    .map(Number)
  return { perSecond: requests / (microseconds / 1e6), p99Ms: p99 / 1000, errors }
}
