import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { enterSite, missingRecords, type SiteFiles } from '../fakes/fake-site.ts'
import type { PostgresCluster } from '../servers/postgres-cluster.ts'
import { type Measured, onEachDatabase, onPostgres } from './databases.ts'
import { installPrograms } from './programs.ts'
import { type StaticTexts, startBaseline, takeTexts } from './storm/baseline.ts'
import { type Figures, figuresOf, printFigures } from './storm/figures.ts'
import type { TimedBoot } from './storm/generator.ts'
import { runStorm } from './storm/run-storm.ts'
import { watchUsage } from './storm/usage.ts'

// npm run bench:storm [-- machines [seconds]] [--ramp s] [--kernel MB] [--initrd MB] [--generators n] [--cpu-prof folder]
//
// Switches 1,000 machines on within a few seconds, each with its own MAC and loopback address. They do what real machines do
// (scripts/fakes/fake-machine.ts): TFTP, bootstrap, script, kernel, initrd, reports. There are four runs: Bootwright with
// PostgreSQL, with the embedded database, with a PostgreSQL that is stopped from second 5 to second 25, and nginx and tftpd-hpa
// with static scripts. `seconds` limits each run.
// Installs nginx, tftpd-hpa and postgresql as the tests do, or names what to install. Sends to loopback only.
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    ramp: { type: 'string', default: '10' },
    kernel: { type: 'string', default: '8' },
    initrd: { type: 'string', default: '24' },
    generators: { type: 'string', default: '2' },
    'cpu-prof': { type: 'string' },
  },
})
const machines = whole('machines', positionals[0] ?? '1000', 1, 50_000)
const limitMs = 1000 * whole('seconds', positionals[1] ?? '180', 1, 3600)
const rampMs = 1000 * whole('--ramp', values.ramp, 0, 3600)
const generators = whole('--generators', values.generators, 1, 16)
const files: SiteFiles = {
  kernel: randomBytes(2 ** 20 * whole('--kernel', values.kernel, 1, 1024)),
  initrd: randomBytes(2 ** 20 * whole('--initrd', values.initrd, 1, 1024)),
}
/** Time in which every record must be in the database after the last boot. */
const recordedWithinMs = 60_000
const hashes = new Map<Buffer, string>()
const nbp = readFileSync('ipxe/nbp/ipxe.efi')
const profiling = values['cpu-prof']
const nodeOptions = profiling === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profiling}`]

installPrograms(['storm'])
const folder = mkdtempSync(join(tmpdir(), 'bootwright-storm-'))
let faults = 0
try {
  const megabytes = (nbp.length + files.kernel.length + files.initrd.length) / 1e6
  console.log(
    `${machines} machines of ${megabytes.toFixed(1)} MB each, switched on within ${rampMs / 1000} s, by ${generators} load generators that share the ${cpus().length} cores with the servers; Node ${process.version}`,
  )
  const all: Figures[] = []
  let texts: StaticTexts | undefined
  const measure = async (
    server: Measured,
    name: string,
    watchedPids: Record<string, number>,
    during?: () => Promise<void>,
  ) => {
    await enterSite(server.socket, machines, files)
    texts = await takeTexts(server.port)
    const ports = { httpPort: server.port, tftpPort: server.tftpPort }
    const [{ boots, figures }] = await Promise.all([storm(name, ports, watchedPids), during?.()])
    all.push(figures)
    await checkRecords(server.socket, boots)
  }
  await onEachDatabase(
    join(folder, 'each'),
    (server) =>
      measure(server, `Bootwright, ${server.database}`, {
        Bootwright: server.pid,
        ...(server.databasePid !== undefined && { PostgreSQL: server.databasePid }),
      }),
    nodeOptions,
  )
  await onPostgres(
    join(folder, 'stopped'),
    // The processes of PostgreSQL change, so their time is not counted.
    (server, cluster) =>
      measure(server, 'PostgreSQL stopped', { Bootwright: server.pid }, () => stopForAWhile(cluster)),
    nodeOptions,
  )
  mkdirSync(join(folder, 'baseline'))
  const { nginx, tftpd, stop } = await startBaseline(join(folder, 'baseline'), texts as StaticTexts, files)
  const baseline = storm(
    'nginx + tftpd-hpa',
    { httpPort: nginx.port, tftpPort: tftpd.port },
    { nginx: nginx.pid, 'tftpd-hpa': tftpd.pid },
  )
  all.push((await baseline.finally(stop)).figures)
  printFigures(all)
  faults += all.slice(0, -1).reduce((sum, { errors }) => sum + errors.length, 0)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
process.exit(faults === 0 ? 0 : 1)

/** Stops PostgreSQL from second 5 to second 25 of a storm. */
async function stopForAWhile(cluster: PostgresCluster): Promise<void> {
  await sleep(5000)
  await cluster.stop('SIGINT')
  await sleep(20_000)
  await cluster.start()
}

/** Waits until the server has written all records of these boots, and counts what is missing as faults. */
async function checkRecords(socket: string, boots: TimedBoot[]): Promise<void> {
  const until = performance.now() + recordedWithinMs
  let missing = await missingRecords(socket, boots, files, nbp.length)
  while (missing.length > 0 && performance.now() < until) {
    await sleep(1000)
    missing = await missingRecords(socket, boots, files, nbp.length)
  }
  faults += missing.length
  const booted = boots.filter(({ error }) => error === undefined).length
  console.log(`  ${booted - missing.length} of ${booted} boots are recorded, each with all its events`)
  for (const one of missing.slice(0, 5)) console.log(`  NOT RECORDED ${one}`)
}

/** Runs one storm and compares the hashes of the downloaded files with the expected ones. */
async function storm(
  name: string,
  ports: { httpPort: number; tftpPort: number },
  watched: Record<string, number>,
): Promise<{ boots: TimedBoot[]; figures: Figures }> {
  const server = { host: '127.0.0.1', ...ports }
  const usage = Object.entries(watched).map(([what, pid]) => [what, watchUsage([pid])] as const)
  const boots = await runStorm(generators, { server, machines, rampMs, hashEvery: 20, limitMs })
  const used = Object.fromEntries(usage.map(([what, stop]) => [what, stop()]))
  const figures = figuresOf(name, boots.map(withRightBytes), used)
  console.log(
    `${name}: ${figures.booted} of ${machines} booted, the last after ${figures.lastBootSeconds.toFixed(1)} s, ${figures.errors.length} errors`,
  )
  return { boots, figures }
}

function withRightBytes(boot: TimedBoot): TimedBoot {
  const wanted: Record<string, Buffer> = { nbp, ...files }
  const wrong = boot.steps.filter(({ stage, bytes, sha256 }) => {
    const file = wanted[stage]
    return file !== undefined && (bytes !== file.length || (sha256 !== undefined && sha256 !== hashOf(file)))
  })
  return wrong.length === 0 ? boot : { ...boot, error: `wrong bytes: ${wrong.map(({ stage }) => stage).join(', ')}` }
}

function hashOf(bytes: Buffer): string {
  const hash = hashes.get(bytes) ?? createHash('sha256').update(bytes).digest('hex')
  hashes.set(bytes, hash)
  return hash
}

function whole(name: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (Number.isInteger(value) && value >= least && value <= most) return value
  console.error(`${name}: expected a whole number from ${least} to ${most}, got ${text}`)
  process.exit(2)
}
