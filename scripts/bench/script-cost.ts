import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { openSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import type { BootDeps } from '../../src/boot/http/deps.ts'
import type { FileStore } from '../../src/bytes/store/file-store.ts'
import type { Inventory } from '../../src/inventory/open.ts'
import { machineCount } from './inventory.ts'
import { median } from './peers.ts'
import { loadProgram, type Program } from './script-cost/program.ts'
import { makeSituations, type Situations } from './script-cost/situations.ts'

const scriptsPerRound = 3000
const rounds = 7
const seconds = 5

/** Measures the processor time of one script without a database: first each part of it, then whole requests over HTTP. */
export async function benchScriptCost(folder: string): Promise<void> {
  const program = await loadProgram()
  const store = await program.openFolderStore(program.filesFolder(folder))
  const bytes = Buffer.from('kernel')
  const kernel = { sha256: createHash('sha256').update(bytes).digest('hex'), name: 'vmlinuz' }
  await store.put(kernel.sha256, Readable.from([bytes]), bytes.length)
  const situations = makeSituations(program, kernel)
  const deps = depsOf(program, store, situations, bytes.length)
  console.log(`\nOne script without a database, µs of processor time; ${machineCount} machines, 200 groups`)
  await printParts(program, deps, situations)
  await printRequests(folder, program, deps, situations)
}

async function printParts(program: Program, deps: BootDeps, situations: Situations): Promise<void> {
  const base = 'http://127.0.0.1:8080'
  const boot = program.newBootKeys(deps.sealer.tokenOf)
  const queries = Array.from({ length: scriptsPerRound }, (_, n) => situations.query(1 + n * 33))
  const facts = queries.map((query) => ({ ...program.parseFacts(query), ip: '127.0.0.1' }))
  const found = facts.map(situations.find)
  const decided = found.map((situation) => program.decide(situation))
  const answers = await Promise.all(found.map((situation) => program.answerSituation(deps, situation, { base, boot })))
  const contexts = found.map((situation) => ({
    facts: situation.facts,
    base,
    boot,
    after: 'retry' as const,
    documents: [],
  }))
  const at = <Thing>(list: Thing[], n: number) => list[n] as Thing
  const parts: [name: string, run: (n: number) => unknown][] = [
    ['parse the facts', (n) => program.parseFacts(at(queries, n))],
    ['find the situation in memory', (n) => situations.find(at(facts, n))],
    ['decide', (n) => program.decide(at(found, n))],
    ['  of it: match 200 groups', (n) => matchGroups(program, at(found, n))],
    ['check the files', (n) => program.findDamage(deps, at(decided, n).variant as never)],
    ['names for texts', (n) => program.namesOf(at(decided, n).decision, at(contexts, n), undefined)],
    ['render the script', (n) => deps.scripts.script(at(decided, n).decision, at(contexts, n))],
    ['whole answer', (n) => program.answerSituation(deps, at(found, n), { base, boot })],
    ['id and token of a boot', () => program.newBootKeys(deps.sealer.tokenOf)],
    ['the boot as JSON', (n) => JSON.stringify({ ...at(answers, n), situation: undefined })],
    ['log line', (n) => logLine(deps, at(answers, n).decision)],
    ['count the request', () => deps.metrics.request('boot', '/ipxe', 200, 0.001)],
  ]
  for (const [name, run] of parts) console.log(`  ${name.padEnd(32)}${(await costOf(run)).toFixed(1).padStart(7)}`)
}

/** Microseconds of one call: the median of some rounds, after one round that is not counted. */
async function costOf(run: (n: number) => unknown): Promise<number> {
  const costs: number[] = []
  for (let round = 0; round <= rounds; round++) {
    const before = process.cpuUsage()
    for (let n = 0; n < scriptsPerRound; n++) await run(n)
    const { user, system } = process.cpuUsage(before)
    if (round > 0) costs.push((user + system) / scriptsPerRound)
  }
  return median(costs)
}

function matchGroups(program: Program, { catalog, identity, facts }: ReturnType<Situations['find']>): unknown {
  const machine = 'machine' in identity ? identity.machine : undefined
  return program.matchingGroups(catalog, machine, facts, program.targetOf(facts))
}

function logLine(
  { log }: BootDeps,
  { machine, image, spec }: Awaited<ReturnType<Program['answerSituation']>>['decision'],
) {
  const { id, hostname } = machine ?? {}
  log.info(
    { mac: '52:54:00:00:00:01', hostname, ip: '127.0.0.1', boot: id, machine: id, kind: spec.kind, image },
    'script',
  )
}

async function printRequests(folder: string, program: Program, deps: BootDeps, situations: Situations): Promise<void> {
  const server = program.createBootServer(program.createBootApp(deps))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const queries = Array.from({ length: 2000 }, (_, n) => `/ipxe?${situations.query(1 + n * 50)}`)
  for (const [name, agent, paths] of [
    ['fixed text, /livez', 'wrk', ['/livez']],
    ['previewed', 'wrk', queries],
    ['served', 'iPXE/1.21.1', queries],
  ] as const) {
    for (const connections of [1, 64]) {
      const before = process.cpuUsage()
      const { requests, p50Us, errors } = await wrk(folder, port, agent, paths, connections)
      const { user, system } = process.cpuUsage(before)
      const us = ((user + system) / requests).toFixed(1)
      console.log(
        `  request, ${name}, ${connections} connections: ${us} µs, ${Math.round(requests / seconds)}/s, p50 ${p50Us} µs${errors > 0 ? `, ${errors} ERRORS` : ''}`,
      )
    }
  }
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
}

/** wrk requests these paths in turn. */
async function wrk(folder: string, port: number, agent: string, paths: readonly string[], connections: number) {
  const lua = join(folder, 'cost.lua')
  writeFileSync(
    lua,
    `local paths = { ${paths.map((path) => JSON.stringify(path)).join(', ')} }; local n = 0
request = function() n = n % #paths + 1; return wrk.format("GET", paths[n], { ["User-Agent"] = "${agent}", ["Host"] = "127.0.0.1:${port}" }) end
done = function(s, latency) local e = s.errors; io.write(string.format("RESULT %d %d %d", s.requests, latency:percentile(50), e.connect + e.read + e.write + e.status + e.timeout)) end\n`,
  )
  const { stdout } = await promisify(execFile)('wrk', [
    ...['-t1', `-c${connections}`, `-d${seconds}s`, '-s', lua, `http://127.0.0.1:${port}/`],
  ])
  const [requests = 1, p50Us = 0, errors = 0] = (/RESULT (\d+) (\d+) (\d+)/.exec(stdout) ?? []).slice(1).map(Number)
  return { requests, p50Us, errors }
}

/** The dependencies of the boot listener with an inventory in memory, which records nothing. */
function depsOf(program: Program, store: FileStore, { find }: Situations, sizeBytes: number): BootDeps {
  const status = { sizeBytes, damage: null, damageKind: null }
  const inventory = {
    findSituation: async (facts) => find(facts),
    findFileStatus: async () => status,
    journal: { openBoot: async () => 'kept' as const } as unknown as Inventory['journal'],
    events: { record: () => {}, flush: async () => {}, waiting: () => 0 },
  } satisfies Partial<Inventory>
  const settings = {
    ...{ baseUrl: undefined, afterRefusal: 'retry' as const, maxDiscovered: 100, maxDiscoveredPerAddress: 100 },
    answersToAnyAddress: false,
  }
  return {
    ...{ inventory: inventory as unknown as Inventory, store, settings },
    log: program.createLog(
      'info',
      program.openLogOutput(openSync('/dev/null', 'w'), () => ''),
    ),
    metrics: program.createMetrics(),
    sealer: program.createSealer(randomBytes(32)),
    scripts: program.createScripts(program.readTemplates()),
    findStoredSize: program.createFindStoredSize(store),
    allows: () => true,
    mayRecord: () => true,
    databaseAnswers: async () => true,
    databaseIsShort: () => false,
    databaseFault: async () => undefined,
    recordDamage: async () => undefined,
    nbps: new Map(),
  } as Partial<BootDeps> as BootDeps
}
