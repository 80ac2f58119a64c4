// The roster: what decisions need, in memory, as current as the database. Opened by inventory/open.ts.
import type { Db } from '../../db/open.ts'
import { messageOf } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { Metrics } from '../../lib/metrics.ts'
import { DatabaseTimeoutError, isOutage } from '../../lib/outage.ts'
import { inTime } from '../../lib/time/in-time.ts'
import { createMicroBatch } from '../../lib/time/micro-batch.ts'
import type { AnswerDocument } from '../../model/answer-file.ts'
import type { FileStatus } from '../../model/catalog.ts'
import type { Situation } from '../../model/decision.ts'
import { isActive, type LatestDeployment, type Move, whySpent } from '../../model/deployment.ts'
import type { Facts } from '../../model/facts.ts'
import { identify } from '../../model/identity/identity.ts'
import type { Variant } from '../../model/image.ts'
import type { Machine } from '../../model/machine.ts'
import type { RosterBoot } from './boots.ts'
import { candidateOf, type Entry } from './entries/entry.ts'
import { findEntries } from './entries/find-entries.ts'
import { keysOfFacts } from './entries/keys.ts'
import type { SealedSecret } from './held-catalog.ts'
import { createLoader } from './load.ts'
import { createMemory, pinsOf } from './memory.ts'
import type { Claim } from './overlays.ts'
import { askChanges } from './questions.ts'
import { restore, savedLines } from './saved.ts'
import { type Away, createTurns } from './turns.ts'

/** Looks up everything that a decision depends on. Only reads, for previews and boots alike. `supposed`: a deployment as if armed. */
export type FindSituation = (facts: Facts, supposed?: LatestDeployment) => Promise<Situation>

export type RosterOptions = {
  db: Db
  log: Logger
  metrics?: Pick<Metrics, 'decidedAlone'>
  /** A number that grows with every statement that may have changed the database, if no other process changes it. */
  writes?: (() => number) | undefined
  /** The limit of machines in memory. */
  maxMachines?: number
  /** The limit of milliseconds for the database's answer; then the roster decides alone. */
  waitMs?: number
  /** The lines of a roster that was saved. */
  saved?: AsyncIterable<string> | undefined
  /** How much of the journal the database has. */
  journalPlace?: () => JournalPlace | undefined
}

/** An offset in the journal of a start of the server. */
export type JournalPlace = { run: string; end: number }

export type Roster = {
  /** @throws an outage error if the database is away, and nothing or too little was read from it before */
  findSituation: FindSituation
  /**
   * Takes in all changes that were committed before this call, so that they are known if the database goes away. False if it is
   * away already. Never throws.
   */
  refresh: () => Promise<boolean>
  /** Since when the database is away, or undefined. */
  away: () => Away | undefined
  /** A deployment moved here, before the database knows it. */
  moved: (deploymentId: string, move: Move) => void
  /** The database knows the move. */
  settled: (deploymentId: string) => void
  /** The newest deployment of a machine, with the moves that the database does not know yet; undefined if the machine is not in memory. */
  deploymentOf: (machineId: string) => LatestDeployment | undefined
  /** Resolves when the saved roster was read, with the place in the journal up to which it knows everything. */
  restored: () => Promise<JournalPlace | undefined>
  /** The deployments with moves that the database does not know. */
  movedDeployments: () => string[]
  /** A machine was discovered here. It is provisional until the database has a machine with its MAC. */
  addDiscovered: (machine: Machine) => void
  /** A request matched a machine without one of its MACs. */
  addClaim: (machineId: string, claim: Claim) => void
  /** A boot was opened or moved here. */
  addBoot: (boot: RosterBoot) => void
  findBoot: (id: string) => RosterBoot | undefined
  findAnswered: (keys: { macs: string[]; uuids: string[] }, ip: string) => RosterBoot | undefined
  /** The sealed secrets of a machine and of groups. */
  sealedSecrets: (machineId: string | undefined, groups: string[]) => SealedSecret[]
  /** The documents of a version of an answer file, if it is in memory. */
  answerDocuments: (name: string, version: number) => AnswerDocument[] | undefined
  /** The variants of a version of an image, if they are in memory. */
  variantsOf: (image: string, version: number) => Variant[] | undefined
  /** A damaged file of the catalog in memory. */
  damagedFile: (sha256: string) => FileStatus | undefined
  /** How much is in memory. */
  size: () => { machines: number; isReady: boolean; isComplete: boolean; boots: number }
  /** Whether there is a last known state, which decides while the database is away. */
  canDecideAlone: () => boolean
  /** Grows with every change in memory: an unchanged roster needs no saving. */
  changes: () => number
  /** The lines of the file of the roster; undefined if there is nothing to save. */
  lines: () => Iterable<string> | undefined
  close: () => Promise<void>
}

export const defaultMaxMachines = 250_000
export const defaultWaitMs = 300

/** Opens a roster. It reads the database in the background; until then, look-ups ask the database directly. */
export function openRoster({
  db,
  log,
  metrics,
  writes,
  maxMachines = defaultMaxMachines,
  waitMs = defaultWaitMs,
  saved,
  journalPlace,
}: RosterOptions): Roster {
  const memory = createMemory(db, maxMachines)
  const { entries, catalog, overlays, boots } = memory
  const loader = createLoader(db, memory, maxMachines, log)
  const findDirectly = createMicroBatch((asked: Facts[]) => findEntries(db, asked), { maxSize: 256, maxConcurrent: 4 })
  // The clock of the database continues between answers, whatever happens to the clock of this computer.
  let clock: { now: number; at: number } | undefined
  let asked = 0
  const now = () =>
    clock === undefined || writes !== undefined ? Date.now() : clock.now + (performance.now() - clock.at)

  let restoring: Promise<void> | undefined = saved === undefined ? undefined : restoreSaved(saved)
  async function restoreSaved(lines: AsyncIterable<string>): Promise<void> {
    await restore(memory, lines).catch((error: unknown) =>
      log.warn({ error: messageOf(error) }, 'the saved roster cannot be read'),
    )
    restoring = undefined
  }

  const ask = async () => {
    if (restoring !== undefined) await restoring
    const own = ++asked
    const before = memory.place
    const journal = journalPlace?.()
    const answer = await askChanges(db, before)
    clock = { now: answer.now, at: performance.now() }
    const isOther = before !== undefined && before.server !== answer.server
    await memory.catalogAt(answer.revision, isOther)
    if (answer.changes !== undefined) {
      await memory.change(answer.changes)
      memory.place = answer
      // The saved roster and these changes are all that there is.
      if (memory.saved !== undefined) memory.state = memory.saved
    } else if (answer.isStandby) {
      loader.cancel()
      memory.place = undefined
      if (memory.isReady()) memory.state = 'old'
    } else {
      memory.place = answer
      loader.restart()
    }
    memory.saved = undefined
    memory.answeredAt = new Date(answer.now)
    if (!memory.isReady()) return
    memory.asOf = memory.answeredAt
    memory.journal = journal
    overlays.dropSettled(own)
    void memory
      .followBoots()
      .catch((error: unknown) => log.debug({ error: messageOf(error) }, 'boots could not be read'))
  }
  const turns = createTurns({
    ask,
    writes,
    waitMs,
    asOf: () => memory.asOf,
    onAway: ({ reason, asOf }) =>
      log.warn(
        { reason, asOf },
        asOf === undefined ? 'database unreachable' : 'database unreachable, deciding without it',
      ),
    onBack: ({ since }) => log.info({ awayMs: Date.now() - since.getTime() }, 'database reachable again'),
  })

  const situationOf = async (
    facts: Facts,
    found: Entry[],
    at: number,
    supposed: LatestDeployment | undefined,
    asOf: Date | undefined,
  ): Promise<Situation> => {
    const keys = keysOfFacts(facts)
    const held = catalog.get()
    if (held === undefined) throw unreachable()
    const recorded = found.map((entry) => overlays.over(candidateOf(entry, at), at))
    const macs = new Set(recorded.flatMap(({ machine }) => machine.macs))
    const candidates = [
      ...recorded,
      ...overlays.discovered(keys).filter(({ machine }) => !machine.macs.some((mac) => macs.has(mac))),
    ]
    const identity = identify(facts, candidates)
    const candidate =
      'machine' in identity ? candidates.find(({ machine }) => machine.id === identity.machine.id) : undefined
    const remembered = 'machine' in identity && identity.weak === undefined ? identity.machine.facts : {}
    const deployment = supposed ?? candidate?.deployment
    const own = 'machine' in identity ? identity.machine.assignment : undefined
    const pins = pinsOf(own, deployment && isServed(deployment) ? deployment : undefined)
    if (asOf === undefined) await memory.loadVersions(pins)
    const current = catalog.get() ?? held
    if (!pins.every(catalog.hasVersion)) throw unreachable()
    return {
      facts: { ...remembered, ...facts },
      identity,
      deployment,
      secrets: { machine: candidate?.secrets ?? [], groups: current.secretNames },
      catalog: current.catalog,
      today: new Date(at).toISOString().slice(0, 10),
      ...(asOf !== undefined && { asOf }),
    }
  }
  const unreachable = () =>
    new DatabaseTimeoutError(
      `the database is unreachable${turns.away() === undefined ? '' : `: ${turns.away()?.reason}`}`,
    )

  const decideAlone = async (facts: Facts, supposed: LatestDeployment | undefined): Promise<Situation> => {
    const { asOf } = memory
    const keys = keysOfFacts(facts)
    const found = entries.find(keys)
    const isKnown =
      memory.state !== 'empty' && (entries.isWhole(keys) || found.some(({ macs }) => macs.includes(facts.mac ?? '')))
    if (asOf === undefined || !isKnown) throw unreachable()
    const situation = await situationOf(facts, found, now(), supposed, asOf)
    metrics?.decidedAlone()
    return situation
  }
  const lookDirectly = async (facts: Facts, supposed: LatestDeployment | undefined): Promise<Situation> => {
    const { applied } = memory
    const look = async () => {
      const found = await findDirectly(facts)
      await memory.catalogAt(found.revision)
      memory.remember(facts, found, applied)
      return situationOf(facts, found.entries, found.now, supposed, undefined)
    }
    if (memory.asOf === undefined) return look()
    const looking = look()
    try {
      const situation = await inTime(looking, waitMs)
      if (situation !== undefined) return situation
      looking.catch(() => undefined)
      turns.declareAway(`no answer within ${waitMs} ms`)
    } catch (error) {
      if (!isOutage(error)) throw error
      turns.declareAway(messageOf(error))
    }
    return decideAlone(facts, supposed)
  }

  return {
    findSituation: async (facts, supposed) => {
      if (restoring !== undefined) await restoring
      // Nothing is in memory yet, or it is being read again: the question would not help.
      const isUseless = !memory.isReady() && memory.saved === undefined
      if (isUseless && (turns.away() === undefined || memory.asOf === undefined)) return lookDirectly(facts, supposed)
      if (!(await turns.fresh())) return decideAlone(facts, supposed)
      const keys = keysOfFacts(facts)
      // The answer may have been that everything has to be read again.
      if (memory.isReady() && entries.isWhole(keys))
        return situationOf(facts, entries.find(keys), now(), supposed, undefined)
      return lookDirectly(facts, supposed)
    },
    refresh: turns.fresh,
    away: turns.away,
    moved: (deploymentId, move) => {
      memory.changes += 1
      overlays.moved(deploymentId, move, now())
    },
    settled: (deploymentId) => overlays.settled(deploymentId, asked),
    deploymentOf: (machineId) => {
      const entry = entries.get(machineId)
      return entry === undefined ? undefined : overlays.over(candidateOf(entry, now()), now()).deployment
    },
    restored: async () => {
      await restoring
      return memory.journal
    },
    movedDeployments: () => overlays.list().moves.map(([id]) => id),
    addDiscovered: (machine) => {
      memory.changes += 1
      overlays.addDiscovered(machine)
    },
    addClaim: (machineId, claim) => {
      memory.changes += 1
      overlays.addClaim(machineId, claim)
    },
    addBoot: (boot) => {
      memory.changes += 1
      boots.addBoot(boot)
    },
    findBoot: boots.findBoot,
    findAnswered: boots.findAnswered,
    sealedSecrets: (machineId, groups) => {
      const own = machineId === undefined ? undefined : entries.get(machineId)
      const sealed = (own?.secrets ?? []).map(([name, value]) => ({ name, sealed: value }))
      return [
        ...catalog.secretsOf(groups),
        ...sealed.map((secret) => ({ ownerKind: 'machine' as const, owner: machineId ?? '', ...secret })),
      ]
    },
    answerDocuments: catalog.documentsOf,
    variantsOf: catalog.variantsOf,
    damagedFile: catalog.damagedFile,
    size: () => ({
      machines: entries.size(),
      isReady: memory.isReady(),
      isComplete: memory.state === 'complete',
      boots: boots.size(),
    }),
    canDecideAlone: () => memory.state !== 'empty' && memory.asOf !== undefined,
    changes: () => memory.changes,
    lines: () => savedLines(memory),
    close: async () => {
      loader.cancel()
      await turns.stop()
      await loader.settled()
      await memory.followBoots().catch(() => undefined)
    },
  }
}

function isServed(deployment: LatestDeployment): boolean {
  return isActive(deployment.state) && whySpent(deployment) === undefined
}
