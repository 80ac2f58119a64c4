import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import postgres from 'postgres'
import { setup, teardown } from '../../test/helpers/postgres-server.ts'
import { put } from './admin.ts'
import { residentMb, startBootwright, startNginx } from './peers.ts'

const machines = 100_000
const seconds = 8

/** Scripts for 100,000 machines in PostgreSQL, beside nginx that serves one such script as a file. */
export async function benchScripts(folder: string): Promise<void> {
  let url: string | undefined
  await setup({ provide: (_: string, value: string | undefined) => (url = value) } as unknown as Parameters<
    typeof setup
  >[0])
  if (url === undefined) throw new Error('PostgreSQL is needed for this: apt-get install postgresql')
  const ours = await startBootwright(folder, { DATABASE_URL: `${url}/postgres` })
  const root = join(folder, 'static')
  mkdirSync(root, { recursive: true })
  const nginx = await startNginx(join(folder, 'static-nginx'), root)
  try {
    const kernel = Buffer.from('kernel')
    const sha256 = createHash('sha256').update(kernel).digest('hex')
    await put(ours.socket, `/api/v1/files/${sha256}?name=vmlinuz`, kernel)
    const file = { sha256, name: 'vmlinuz' }
    await put(ours.socket, '/api/v1/images/debian-12', {
      variants: [
        {
          arch: 'x86_64',
          kind: 'linux',
          kernel: file,
          initrds: [file],
          args: ['console=ttyS0', 'report={{ boot.url }}'],
        },
      ],
    })
    await fill(`${url}/postgres`)
    const script = await (
      await fetch(`http://127.0.0.1:${ours.port}/ipxe?mac=52-54-00-00-00-07&platform=efi&buildarch=x86_64`)
    ).text()
    writeFileSync(join(root, 'script.ipxe'), script)

    console.log(`\nScripts, ${machines} machines in PostgreSQL on the same two cores, each figure over ${seconds} s`)
    for (const connections of [1, 64, 512]) {
      const served = await wrk(folder, connections, ours.port, 'iPXE/1.21.1')
      const previewed = await wrk(folder, connections, ours.port, 'wrk')
      const fixed = await wrk(folder, connections, nginx.port, 'iPXE/1.21.1', '/script.ipxe')
      console.log(
        `  ${String(connections).padStart(3)} connections: ${row('served, boot recorded', served)}; ${row('previews', previewed)}; ${row('nginx, one file', fixed)}; ratio ${(served.perSecond / fixed.perSecond).toFixed(3)}`,
      )
    }
    console.log(`  Bootwright holds ${residentMb(ours.pid)} MB`)
  } finally {
    await Promise.all([ours.stop(), nginx.stop()])
    await teardown()
  }
}

type Figure = { perSecond: number; p99Ms: number; errors: number }
const row = (name: string, { perSecond, p99Ms, errors }: Figure) =>
  `${name} ${Math.round(perSecond)}/s p99 ${p99Ms.toFixed(1)} ms${errors > 0 ? ` ${errors} ERRORS` : ''}`

async function fill(url: string): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  await sql`insert into machines (id, discovered, hostname, assignment)
    select ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, false, 'host-' || n, '{"image":"debian-12"}' from generate_series(1, ${machines}::int) as n`
  await sql`insert into machine_macs (mac, machine_id)
    select '52:54:00:' || substr(h, 1, 2) || ':' || substr(h, 3, 2) || ':' || substr(h, 5, 2), ('01900000-0000-7000-8000-' || lpad(h, 12, '0'))::uuid
    from (select lpad(to_hex(n), 6, '0') as h from generate_series(1, ${machines}::int) as n) as hex`
  await sql`analyze`
  await sql.end()
}

/** wrk asks for a random machine each time (or for one path), and prints what its `done` counts. */
async function wrk(folder: string, connections: number, port: number, agent: string, path?: string): Promise<Figure> {
  const lua = join(folder, 'ask.lua')
  const target =
    path === undefined
      ? `string.format("/ipxe?mac=52-54-00-%02x-%02x-%02x&platform=efi&buildarch=x86_64", math.floor(n / 65536), math.floor(n / 256) % 256, n % 256)`
      : `"${path}"`
  writeFileSync(
    lua,
    `request = function() local n = math.random(1, ${machines}); return wrk.format("GET", ${target}, { ["User-Agent"] = "${agent}", ["Host"] = "127.0.0.1:${port}" }) end
done = function(s, latency) local e = s.errors; io.write(string.format("RESULT %d %d %d %d", s.requests, s.duration, latency:percentile(99), e.connect + e.read + e.write + e.status + e.timeout)) end\n`,
  )
  const { stdout } = await promisify(execFile)('wrk', [
    '-t1',
    `-c${connections}`,
    `-d${seconds}s`,
    '--timeout',
    '10s',
    '-s',
    lua,
    `http://127.0.0.1:${port}/`,
  ])
  const [requests = 0, microseconds = 1, p99 = 0, errors = 0] = (/RESULT (\d+) (\d+) (\d+) (\d+)/.exec(stdout) ?? [])
    .slice(1)
    .map(Number)
  return { perSecond: requests / (microseconds / 1e6), p99Ms: p99 / 1000, errors }
}
