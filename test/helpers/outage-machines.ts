import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import driver from 'postgres'
import { put } from '../../scripts/bench/admin.ts'
import { openIpxeHttp } from '../../scripts/fakes/fake-http.ts'
import type { Seeded } from './seeded.ts'
import type { ServerProcess } from './server-process.ts'

// Machines that are installed once and then boot from their disk, while a fault of the database passes.

/** All that a machine did, and that the server acknowledged. */
export type Life = {
  mac: string
  /** The ids of the boots that its scripts opened. */
  boots: string[]
  /** Reports that the server acknowledged. */
  reports: { boot: string; stage: string; message: string }[]
  /** Scripts that say that they were decided without the database. */
  decidedAlone: number
  /** Answers that told the machine to wait. */
  retries: number
  slowest: { script: number; report: number }
  /** What no machine may meet: a refusal, a repeated installation, a missing answer file. */
  faults: string[]
}

const image = 'outage'
const preseed = 'd-i netcfg/get_hostname string {{ machine.hostname }}\n'

/** Stores an image with an answer file, for machines of every batch. */
export async function enterOutageSite({ socketPath }: ServerProcess): Promise<void> {
  const kernel = randomBytes(50_000)
  const initrd = randomBytes(200_000)
  const refs = await Promise.all(
    Object.entries({ vmlinuz: kernel, 'initrd.gz': initrd }).map(async ([name, bytes]) => {
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      await put(socketPath, `/api/v1/files/${sha256}?name=${name}`, bytes)
      return { name, sha256 }
    }),
  )
  const args = ['auto=true', 'url={{ boot.answer_url }}']
  await put(socketPath, `/api/v1/images/${image}`, {
    variants: [{ arch: 'x86_64', kind: 'linux', kernel: refs[0], initrds: [refs[1]], args }],
  })
  await put(socketPath, '/api/v1/answer-files/outage', { documents: [{ name: 'preseed.cfg', text: preseed }] })
}

/** Enters machines whose next boot installs the image. */
export async function armMachines({ ask }: ServerProcess, batch: number, count: number): Promise<string[]> {
  const macs = Array.from({ length: count }, (_, n) => `52:54:00:${hex(batch)}:${hex(n >> 8)}:${hex(n & 255)}`)
  for (const [n, mac] of macs.entries()) {
    const created = await ask('PUT', `/machines/${mac}`, {
      hostname: `outage-${batch}-${n}`,
      assignment: { local: true, answerFile: 'outage' },
    })
    const armed = await ask('POST', '/deployments', { machine: mac, image })
    if (created.status >= 300 || armed.status !== 201)
      throw new Error(`not armed: ${mac} ${created.status} ${JSON.stringify(armed.body)}`)
  }
  return macs
}

function hex(value: number): string {
  return value.toString(16).padStart(2, '0')
}

/** Installs a machine, then boots it twice from its disk. Never throws: faults are in the result. */
export async function live(mac: string, address: string, bootUrl: string, random: Seeded): Promise<Life> {
  const life: Life = {
    ...{ mac, boots: [], reports: [], decidedAlone: 0, retries: 0, slowest: { script: 0, report: 0 }, faults: [] },
  }
  const http = openIpxeHttp(address)
  const get = async (path: string, kind?: 'script' | 'report') => {
    const parts: Buffer[] = []
    const started = performance.now()
    const { retries } = await http.get(new URL(path, bootUrl), (piece) => parts.push(Buffer.from(piece)))
    life.retries += retries
    if (kind !== undefined) life.slowest[kind] = Math.max(life.slowest[kind], Math.round(performance.now() - started))
    return Buffer.concat(parts).toString('utf8')
  }
  const pause = () => wait(random.between(50, 900))
  const boot = async (expected: 'install' | 'local') => {
    const text = await get(`/ipxe?mac=${mac.replaceAll(':', '-')}&arch=x86_64&platform=efi`, 'script')
    const token = /\/b\/([\w-]{43})\/ready/.exec(text)?.[1]
    if (/decided without the database/.test(text)) life.decidedAlone += 1
    const kind = token === undefined ? 'refused' : /^kernel /m.test(text) ? 'install' : 'local'
    if (token !== undefined) life.boots.push(idOf(token))
    if (kind !== expected) {
      const echoed = text
        .split('\n')
        .filter((line) => line.startsWith('echo '))
        .join(' / ')
      life.faults.push(`expected a script of kind ${expected}, got ${kind}: ${echoed}`)
    }
    return { token: token as string, text }
  }
  const report = async (token: string, stage: string) => {
    const message = `m-${random.between(0, 2 ** 31)}`
    const answer = await get(`/b/${token}/${stage}?message=${message}`, 'report')
    if (answer !== 'ok\n') throw new Error(`report ${stage}: ${JSON.stringify(answer)}`)
    life.reports.push({ boot: idOf(token), stage, message })
  }
  const fetchAnswer = async (token: string) => {
    const text = await get(`/b/${token}/answer/preseed.cfg`)
    if (!text.startsWith('d-i netcfg/get_hostname string outage-'))
      life.faults.push(`answer file: ${text.slice(0, 80)}`)
  }
  try {
    const { token, text } = await boot('install')
    for (const [url = ''] of text.matchAll(/\S*\/files\/\S+/g)) {
      await get(url)
      await pause()
    }
    await report(token, 'ready')
    await pause()
    await fetchAnswer(token)
    await report(token, 'installing')
    await pause()
    await fetchAnswer(token)
    await report(token, 'progress')
    await pause()
    await report(token, 'installed')
    for (const _ of [1, 2]) {
      await pause()
      const next = await boot('local')
      await pause()
      await report(next.token, 'ready')
    }
  } catch (error) {
    life.faults.push(error instanceof Error ? error.message : String(error))
  } finally {
    http.close()
  }
  return life
}

/** The boot of a token: its first 16 bytes (lib/seal.ts). */
function idOf(token: string): string {
  const digits = Buffer.from(token, 'base64url').subarray(0, 16).toString('hex')
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** What the database lacks, or has more than once, one line each. */
export async function missingFrom(url: string, lives: Life[]): Promise<string[]> {
  const sql = driver(url, { max: 1 })
  try {
    const macs = lives.map(({ mac }) => mac)
    const boots = await sql<{ id: string; mac: string }[]>`select id, mac from boots where mac in ${sql(macs)}`
    const events = await sql<{ boot: string; stage: string; message: string | null; count: number }[]>`
      select boot_id as boot, stage, message, count(*)::int as count from boot_events
      where boot_id in ${sql(boots.length === 0 ? ['00000000-0000-0000-0000-000000000000'] : boots.map(({ id }) => id))}
      group by 1, 2, 3`
    const deployments = await sql<{ mac: string; state: string; attempts: number }[]>`
      select mac, state, attempts from deployments join machine_macs using (machine_id) where mac in ${sql(macs)}`
    return lives.flatMap((life) => {
      const own = boots.filter(({ mac }) => mac === life.mac).map(({ id }) => id)
      const lines = [
        ...life.boots.filter((id) => !own.includes(id)).map((id) => `no boot ${id}`),
        ...own.filter((id) => !life.boots.includes(id)).map((id) => `boot ${id} without a script`),
        ...life.reports.flatMap(({ boot, stage, message }) => {
          const found = events.find(
            (event) => event.boot === boot && event.stage === stage && event.message === message,
          )
          return found?.count === 1 ? [] : [`report ${stage} of ${boot}: ${found?.count ?? 0} times`]
        }),
        ...deployments
          .filter(({ mac, state, attempts }) => mac === life.mac && !(state === 'installed' && attempts === 1))
          .map(({ state, attempts }) => `deployment ${state} after ${attempts} attempts`),
      ]
      return lines.map((line) => `${life.mac}: ${line}`)
    })
  } finally {
    await sql.end()
  }
}
