import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { put } from './admin.ts'
import { cpuSeconds, median, type Peer, residentMb, startBootwright, startNginx } from './peers.ts'

const sizeBytes = 256 * 2 ** 20
const clients = 4
const rounds = 7

/** One file of 256 MB to four clients at once, beside nginx with sendfile; the rounds take turns. */
export async function benchFiles(folder: string): Promise<void> {
  const root = join(folder, 'root')
  mkdirSync(root, { recursive: true })
  const bytes = Buffer.concat(Array.from({ length: 256 }, () => randomBytes(2 ** 20)))
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  writeFileSync(join(root, 'big'), bytes)

  const ours = await startBootwright(folder, {})
  const nginx = await startNginx(folder, root)
  try {
    await put(ours.socket, `/api/v1/files/${sha256}?name=big`, bytes)
    const figures = { ours: [] as Figure[], nginx: [] as Figure[] }
    for (let round = 0; round < rounds; round++) {
      figures.ours.push(await measure(ours, `/files/${sha256}/big`))
      figures.nginx.push(await measure(nginx, '/big'))
    }
    const [a, b] = [summary(figures.ours), summary(figures.nginx)]
    console.log(`\nA 256 MB file, ${clients} clients at once, hot, median of ${rounds} rounds in turns`)
    console.log(
      `  Bootwright  ${a.gbPerSecond.toFixed(2)} GB/s  ${a.cpuPerGb.toFixed(3)} CPU s/GB  ${residentMb(ours.pid)} MB resident`,
    )
    console.log(`  nginx       ${b.gbPerSecond.toFixed(2)} GB/s  ${b.cpuPerGb.toFixed(3)} CPU s/GB`)
    console.log(
      `  ratio       ${(a.gbPerSecond / b.gbPerSecond).toFixed(2)} of its speed, ${(a.cpuPerGb / b.cpuPerGb).toFixed(2)} of its processor time`,
    )
  } finally {
    await Promise.all([ours.stop(), nginx.stop()])
  }
}

type Figure = { gbPerSecond: number; cpuPerGb: number }

async function measure(peer: Peer, path: string): Promise<Figure> {
  const before = cpuSeconds(peer.pid)
  const started = performance.now()
  await Promise.all(
    Array.from({ length: clients }, async () => {
      const curl = spawn('curl', ['-sf', '-o', '/dev/null', `http://127.0.0.1:${peer.port}${path}`])
      const [code] = await once(curl, 'exit')
      if (code !== 0) throw new Error(`curl ended with ${code}`)
    }),
  )
  const gb = (clients * sizeBytes) / 1e9
  return { gbPerSecond: gb / ((performance.now() - started) / 1000), cpuPerGb: (cpuSeconds(peer.pid) - before) / gb }
}

function summary(figures: Figure[]): Figure {
  return {
    gbPerSecond: median(figures.map((one) => one.gbPerSecond)),
    cpuPerGb: median(figures.map((one) => one.cpuPerGb)),
  }
}
