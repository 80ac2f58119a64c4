// Everything that the roster holds in memory, and how answers of the database change it. Used by roster.ts, load.ts and saved.ts.
import type { Db } from '../../db/open.ts'
import type { Assignment } from '../../model/assignment.ts'
import type { LatestDeployment } from '../../model/deployment.ts'
import type { Facts } from '../../model/facts.ts'
import { readCatalog } from '../boots/catalog.ts'
import { findPinnedVersion } from '../images/pinned-versions.ts'
import { createRosterBoots, type RosterBoot } from './boots.ts'
import { createEntries } from './entries/entries.ts'
import type { Entry } from './entries/entry.ts'
import { type FoundEntries, listEntries } from './entries/find-entries.ts'
import { keysOfFacts } from './entries/keys.ts'
import { createHeldCatalog } from './held-catalog.ts'
import { createOverlays } from './overlays.ts'
import type { Changes, Place } from './questions.ts'
import { listDocuments, listRosterBoots } from './read-boots.ts'
import type { JournalPlace } from './roster.ts'

export type Memory = ReturnType<typeof createMemory>

/**
 * `empty`: nothing was read yet. `old`: what is there may have changed, because the database is read again. `complete`: all
 * machines are there. `bounded`: the machines used most recently are there.
 */
export type MemoryState = 'empty' | 'old' | 'complete' | 'bounded'

/** Machines that are read in one statement. */
const maxEntriesAtOnce = 1000
const maxBootsAtOnce = 200

type PinnedRef = { image: string; version: number }

/** The versions that a machine and its deployment pin. The catalog has those of groups, menus and the policy. */
export function pinsOf(
  assignment: Assignment | undefined,
  deployment: Pick<LatestDeployment, 'image' | 'version'> | undefined,
): PinnedRef[] {
  return [assignment, deployment].flatMap((named) =>
    named?.image === undefined || typeof named.version !== 'number'
      ? []
      : [{ image: named.image, version: named.version }],
  )
}

/** Creates an empty memory over a database. */
export function createMemory(db: Db, maxMachines: number) {
  const entries = createEntries(maxMachines)
  const catalog = createHeldCatalog()
  const overlays = createOverlays()
  const boots = createRosterBoots()
  const pendingBoots = new Set<string>()
  let reading: Promise<void> | undefined
  let following: Promise<void> | undefined

  const memory = {
    state: 'empty' as MemoryState,
    /** The place of the last answer; undefined if there is no place to continue from. */
    place: undefined as Place | undefined,
    /** The time of the database at the last complete answer. */
    asOf: undefined as Date | undefined,
    /** The journal of this server up to here was in the database before the last answer. */
    journal: undefined as JournalPlace | undefined,
    /** The time of the database at the last answer. */
    answeredAt: undefined as Date | undefined,
    /** Counts the answers with changes: what was read before one of them may be old after it. */
    applied: 0,
    /** What the file of the roster had, until the first answer tells that nothing is missing. */
    saved: undefined as 'complete' | 'bounded' | undefined,
    /** Grows with every change. */
    changes: 0,
    /** The machines that answers changed while all are read. */
    touched: undefined as Set<string> | undefined,
    ...{ entries, catalog, overlays, boots },
    isReady: () => memory.state === 'complete' || memory.state === 'bounded',

    /** Reads the catalog unless it has this revision or a newer one. All callers share one reading. */
    catalogAt: async (revision: number, isForced = false): Promise<void> => {
      if (isForced) await read()
      while ((catalog.get()?.rows.revision ?? -1) < revision) {
        reading ??= read().finally(() => {
          reading = undefined
        })
        await reading
      }
    },

    /** Takes in the changes of machines. Reads those that changed, and those that may have another name now. */
    change: async ({ machines, hostnames, boots: changedBoots }: Changes): Promise<void> => {
      for (const id of changedBoots) pendingBoots.add(id)
      const ids = [...new Set([...machines, ...hostnames.flatMap(entries.namesakesOf)])]
      if (ids.length === 0) return
      const found = new Map<string, Entry>()
      for (let at = 0; at < ids.length; at += maxEntriesAtOnce)
        for (const entry of await listEntries(db, ids.slice(at, at + maxEntriesAtOnce)))
          found.set(entry.machine.id, entry)
      memory.applied += 1
      memory.changes += 1
      for (const id of ids) {
        const entry = found.get(id)
        memory.touched?.add(id)
        if (entry === undefined) entries.remove(id)
        else memory.put(entry)
      }
      for (const { machine, deployment } of found.values())
        await memory.loadVersions(pinsOf(machine.assignment, deployment))
    },
    put: (entry: Entry) => {
      if (entries.belongs(entry)) entries.put(entry)
      if (memory.state === 'complete' && entries.isBounded()) memory.state = 'bounded'
      overlays.known(entry)
    },
    /** Remembers what a look-up found, if no answer changed anything since it began. */
    remember: (facts: Facts, { entries: found }: FoundEntries, applied: number) => {
      if (memory.state !== 'bounded' || memory.applied !== applied) return
      entries.putFound(keysOfFacts(facts), found)
      for (const entry of found) overlays.known(entry)
    },
    /** Reads pinned versions of images, unless they are there. A newer catalog may arrive meanwhile, without them. */
    loadVersions: async (refs: PinnedRef[]): Promise<void> => {
      for (let attempt = 1; attempt <= 5; attempt += 1) {
        const held = catalog.get()
        const ref = refs.find((pinned) => !catalog.hasVersion(pinned))
        if (held === undefined || ref === undefined) return
        catalog.addVersion(held.rows, ref, await findPinnedVersion(db, ref.image, ref.version))
      }
    },

    /** Reads the boots that changed, in the background: only an outage needs them. */
    followBoots: (): Promise<void> => {
      if (pendingBoots.size === 0) return following ?? Promise.resolve()
      following ??= follow().finally(() => {
        following = undefined
      })
      return following
    },
    /** Takes in boots of the database, with the documents of their answer files. */
    addBoots: async (list: RosterBoot[]): Promise<void> => {
      boots.addRecorded(list)
      memory.changes += 1
      const named = list.flatMap(({ decision: { answerFile } }) => (answerFile === undefined ? [] : [answerFile]))
      const unknown = named.filter(({ name, version }) => catalog.documentsOf(name, version) === undefined)
      if (unknown.length === 0) return
      const versions = new Map(unknown.map(({ name, version }) => [`${name} ${version}`, { name, version }]))
      for (const { name, version, documents } of await listDocuments(db, [...versions.values()]))
        catalog.addDocuments(name, version, documents)
    },
  }
  const read = async () => {
    catalog.set(await readCatalog(db))
    memory.changes += 1
  }
  const follow = async () => {
    while (pendingBoots.size > 0) {
      const ids = [...pendingBoots].slice(0, maxBootsAtOnce)
      for (const id of ids) pendingBoots.delete(id)
      try {
        const list = await listRosterBoots(db, ids)
        const there = new Set(list.map(({ id }) => id))
        boots.forgetRecorded(ids.filter((id) => !there.has(id)))
        await memory.addBoots(list)
      } catch (error) {
        for (const id of ids) pendingBoots.add(id)
        throw error
      }
    }
  }
  return memory
}
