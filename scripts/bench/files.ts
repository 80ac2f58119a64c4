import { execFileSync, spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { linkSync, mkdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { freePort } from '../servers/free-port.ts'
import { put } from './admin.ts'
import { cpuSeconds, median, type Peer, residentMb, startBootwright, startNginx } from './peers.ts'

const sizeBytes = 256 * 2 ** 20
const clients = 4
const rounds = 9
const slowReaders = 1000

/**
 * Sends a file of 256 MB to four clients in parallel, and compares with nginx (sendfile, one worker) on the same file and
 * disk; the rounds take turns. A file worker and a server without sendfile do the same. Then a thousand clients connect and read nothing.
 */
export async function benchFiles(folder: string): Promise<void> {
  const root = join(folder, 'root')
  mkdirSync(root, { recursive: true })
  const bytes = Buffer.concat(Array.from({ length: 256 }, () => randomBytes(2 ** 20)))
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const path = `/files/${sha256}/big`

  const nginx = await startNginx(folder, root)
  const ours = await startBootwright(join(folder, 'sendfile'), {})
  const chunks = await startBootwright(join(folder, 'chunks'), { BOOTWRIGHT_SENDFILE: 'no' })
  const worker = await startFileWorker(join(folder, 'worker'))
  try {
    await put(ours.socket, `/api/v1/files/${sha256}?name=big`, bytes)
    const stored = join(folder, 'sendfile/data/files', sha256.slice(0, 2), sha256)
    // All servers share the same bytes on the disk and in the page cache.
    linkSync(stored, join(root, 'big'))
    for (const other of ['chunks', 'worker']) {
      mkdirSync(join(folder, other, 'data/files', sha256.slice(0, 2)))
      linkSync(stored, join(folder, other, 'data/files', sha256.slice(0, 2), sha256))
    }
    for (const [state, prepare] of [
      ['hot', () => execFileSync('cat', [stored], { stdio: 'ignore' })],
      ['cold', () => execFileSync('dd', [`if=${stored}`, 'iflag=nocache', 'count=0'], { stdio: 'ignore' })],
    ] as const) {
      const figures = { ours: [] as Figure[], worker: [] as Figure[], chunks: [] as Figure[], nginx: [] as Figure[] }
      for (let round = 0; round < rounds; round++) {
        prepare()
        figures.ours.push(await measure(ours, path))
        prepare()
        figures.nginx.push(await measure(nginx, '/big'))
        prepare()
        figures.worker.push(await measure(worker, path))
        prepare()
        figures.chunks.push(await measure(chunks, path))
      }
      console.log(`\nA 256 MB file, ${clients} clients at once, ${state}, median of ${rounds} rounds in turns`)
      print('Bootwright', figures.ours, figures.nginx)
      print('a file worker', figures.worker, figures.nginx)
      print('without sendfile', figures.chunks, figures.nginx)
      print('nginx', figures.nginx, figures.nginx)
    }
    console.log(`\n${slowReaders} readers that stopped reading, spread over the file`)
    console.log(`  Bootwright        ${await memoryOfSlowReaders(ours, path)} MB more`)
    console.log(`  without sendfile  ${await memoryOfSlowReaders(chunks, path)} MB more`)
  } finally {
    await Promise.all([ours.stop(), worker.stop(), chunks.stop(), nginx.stop()])
  }
}

/** Starts Bootwright with one file worker. The processor time is that of the worker. */
async function startFileWorker(folder: string): Promise<Peer> {
  const port = await freePort()
  const env = { BOOTWRIGHT_FILE_LISTEN: `127.0.0.1:${port}`, BOOTWRIGHT_FILE_WORKERS: '1' }
  const { pid: server, stop } = await startBootwright(folder, env)
  const children = readFileSync(`/proc/${server}/task/${server}/children`, 'utf8').trim().split(/\s+/).map(Number)
  const pid = children.find((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('file-worker'))
  if (pid === undefined) throw new Error('the server has no file worker')
  return { port, pid, stop }
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

function print(name: string, figures: Figure[], beside: Figure[]): void {
  const [speed, cpu] = [median(figures.map((one) => one.gbPerSecond)), median(figures.map((one) => one.cpuPerGb))]
  const [peerSpeed, peerCpu] = [median(beside.map((one) => one.gbPerSecond)), median(beside.map((one) => one.cpuPerGb))]
  const ratio =
    figures === beside ? '' : `  ${(speed / peerSpeed).toFixed(2)} and ${(cpu / peerCpu).toFixed(2)} times nginx's`
  console.log(`  ${name.padEnd(16)}  ${speed.toFixed(2)} GB/s  ${cpu.toFixed(3)} CPU s/GB${ratio}`)
}

async function memoryOfSlowReaders(peer: Peer, path: string): Promise<number> {
  const before = residentMb(peer.pid)
  const sockets: Socket[] = []
  for (let reader = 0; reader < slowReaders; reader++) {
    const socket = connect(peer.port, '127.0.0.1')
    sockets.push(socket)
    const from = Math.floor((reader * sizeBytes) / slowReaders / 2)
    socket.write(`GET ${path} HTTP/1.1\r\nHost: x\r\nRange: bytes=${from}-\r\n\r\n`)
    await once(socket, 'readable')
  }
  const after = residentMb(peer.pid)
  for (const socket of sockets) socket.destroy()
  return after - before
}
