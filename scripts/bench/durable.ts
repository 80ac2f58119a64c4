import { request } from 'node:http'
import { join } from 'node:path'
import { macOf } from './inventory.ts'
import { startBootwright } from './peers.ts'

const seconds = 5
const rounds = 3

type Figures = { alone: number; together: number; slowestScriptMs: number }

/**
 * Measures the cost of durable writes: a server that waits for the disk and one that does not take turns. Each handles
 * changes one after the other, then 32 in parallel. Also measures the slowest `/boot.ipxe`, which needs no database.
 */
export async function benchDurable(folder: string): Promise<void> {
  const all: Record<string, Figures[]> = { yes: [], no: [] }
  for (let round = 0; round < rounds; round++)
    for (const durable of round % 2 === 0 ? ['yes', 'no'] : ['no', 'yes'])
      all[durable]?.push(await measure(join(folder, durable), durable))
  console.log(`\nDurable writes, the medians of ${rounds} rounds in turns`)
  const row = (what: string, unit: string, figure: (figures: Figures) => number) => {
    const [waits, not] = [all.yes, all.no].map((list) => median((list ?? []).map(figure))) as [number, number]
    console.log(
      `  ${what.padEnd(34)} ${waits.toFixed(1).padStart(8)} ${unit.padEnd(9)} without waiting ${not.toFixed(1).padStart(8)}   ratio ${(waits / not).toFixed(2)}`,
    )
  }
  row('changes, one after the other', 'a second', ({ alone }) => alone)
  row('changes, 32 in parallel', 'a second', ({ together }) => together)
  row('slowest /boot.ipxe during changes', 'ms', ({ slowestScriptMs }) => slowestScriptMs)
}

async function measure(folder: string, durable: string): Promise<Figures> {
  const server = await startBootwright(folder, { BOOTWRIGHT_DURABLE: durable })
  try {
    const alone = await changes(server.socket, 1)
    const watch = watchScripts(server.port)
    const together = await changes(server.socket, 32)
    const slowestScriptMs = await watch.stop()
    return { alone, together, slowestScriptMs }
  } finally {
    await server.stop()
  }
}

let changed = 0

/** Changes per second, with this many clients in parallel. */
async function changes(socketPath: string, clients: number): Promise<number> {
  const until = performance.now() + seconds * 1000
  let done = 0
  const client = async () => {
    while (performance.now() < until) {
      changed++
      await put(socketPath, `/api/v1/machines/${macOf(1 + (changed % 5000))}`, { hostname: `h${changed}` })
      done++
    }
  }
  await Promise.all(Array.from({ length: clients }, client))
  return done / seconds
}

function put(socketPath: string, path: string, body: unknown): Promise<void> {
  const bytes = JSON.stringify(body)
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(bytes) }
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath, path, method: 'PUT', headers }, (response) => {
      response.resume().on('end', () => {
        if ((response.statusCode ?? 500) < 300) resolve()
        else reject(new Error(`${path}: ${response.statusCode}`))
      })
    })
    sent.on('error', reject)
    sent.end(bytes)
  })
}

function watchScripts(port: number): { stop: () => Promise<number> } {
  let stopped = false
  let slowestMs = 0
  const loop = (async () => {
    while (!stopped) {
      const at = performance.now()
      await fetch(`http://127.0.0.1:${port}/boot.ipxe`).then((response) => response.text())
      slowestMs = Math.max(slowestMs, performance.now() - at)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  })()
  return {
    stop: async () => {
      stopped = true
      await loop
      return slowestMs
    },
  }
}

function median(list: number[]): number {
  return list.sort((a, b) => a - b)[Math.floor(list.length / 2)] ?? Number.NaN
}
