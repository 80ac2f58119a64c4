// The roster as lines of text, for a file in the data folder. Called by roster.ts; server/data/roster-file.ts has the file.
import type { AnswerDocument } from '../../model/answer-file.ts'
import type { Move } from '../../model/deployment.ts'
import type { Machine } from '../../model/machine.ts'
import type { CatalogRows } from '../boots/catalog.ts'
import type { RosterBoot } from './boots.ts'
import { entryOfList } from './entries/packed-entry.ts'
import type { Memory } from './memory.ts'
import type { Claim } from './overlays.ts'
import type { Place } from './questions.ts'
import type { JournalPlace } from './roster.ts'

/** The version of the lines. Lines of another version are not read. */
const version = 1

type Header = {
  roster: typeof version
  place: Place
  asOf: number
  state: 'complete' | 'bounded'
  journal?: JournalPlace | undefined
}
type Line =
  | Header
  | { catalog: CatalogRows }
  | { documents: AnswerDocument[]; name: string; version: number }
  | { move: Move & { at: number }; deployment: string }
  | { discovered: Omit<Machine, 'createdAt' | 'updatedAt'> & { createdAt: string; updatedAt: string } }
  | { claim: Claim; of: string }
  | { boot: Omit<RosterBoot, 'startedAt'> & { startedAt: string } }
  // A packed entry.
  | unknown[]

/**
 * All that is in memory, one value a line; undefined if it is not known at one place of the database's history. Changes while
 * the lines are read do no harm: the reader asks what changed since that place.
 */
export function savedLines(memory: Memory): Iterable<string> | undefined {
  const { state, place, asOf, catalog } = memory
  const rows = catalog.get()?.rows
  if ((state !== 'complete' && state !== 'bounded') || place === undefined || asOf === undefined || rows === undefined)
    return undefined
  const { snapshot, server } = place
  const { journal } = memory
  return linesOf(memory, { roster: version, place: { snapshot, server }, asOf: asOf.getTime(), state, journal }, rows)
}

function* linesOf({ catalog, overlays, boots, entries }: Memory, header: Header, rows: CatalogRows): Generator<string> {
  yield JSON.stringify(header)
  yield JSON.stringify({ catalog: rows })
  for (const documents of catalog.oldDocuments()) yield JSON.stringify(documents)
  const { moves, machines, claims } = overlays.list()
  for (const [deployment, move] of moves) yield JSON.stringify({ deployment, move })
  for (const discovered of machines) yield JSON.stringify({ discovered })
  for (const [of, list] of claims) for (const claim of list) yield JSON.stringify({ claim, of })
  for (const boot of boots.list()) yield JSON.stringify({ boot })
  yield* entries.texts()
}

/** Takes in the lines of a file. @throws when a line is not what was expected; then the memory is empty */
export async function restore(memory: Memory, lines: AsyncIterable<string>): Promise<void> {
  const { catalog, overlays, boots, entries } = memory
  let header: Header | undefined
  try {
    for await (const text of lines) {
      const line = JSON.parse(text) as Line
      if (Array.isArray(line)) entries.put(entryOfList(line))
      else if ('roster' in line) header = acceptHeader(memory, line)
      else if ('catalog' in line) catalog.set(line.catalog)
      else if ('documents' in line) catalog.addDocuments(line.name, line.version, line.documents)
      else if ('move' in line) overlays.moved(line.deployment, line.move, line.move.at)
      else if ('discovered' in line) overlays.addDiscovered(withDates(line.discovered))
      else if ('claim' in line) overlays.addClaim(line.of, line.claim)
      else boots.addBoot({ ...line.boot, startedAt: new Date(line.boot.startedAt) })
    }
    if (header === undefined || catalog.get() === undefined) throw new Error('its first lines are missing')
  } catch (error) {
    entries.clear()
    boots.clear()
    throw error
  }
  memory.place = header.place
  memory.asOf = new Date(header.asOf)
  memory.journal = header.journal
  memory.state = 'old'
  memory.saved = entries.isBounded() ? 'bounded' : header.state
}

function acceptHeader({ entries }: Memory, header: Header): Header {
  if (header.roster !== version) throw new Error(`expected version ${version}, got ${header.roster}`)
  if (header.state === 'bounded') entries.bound()
  return header
}

function withDates(
  machine: Omit<Machine, 'createdAt' | 'updatedAt'> & { createdAt: string; updatedAt: string },
): Machine {
  return { ...machine, createdAt: new Date(machine.createdAt), updatedAt: new Date(machine.updatedAt) }
}
