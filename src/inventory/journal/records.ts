// The records of the journal: each is one JSON text. Called by open-journal.ts and writer.ts.
import { newId } from '../../lib/ids/uuid.ts'

/** The kinds of records, in the order in which a transaction writes them. */
export const recordKinds = [
  'stray',
  'discovered',
  'claim',
  'conflict',
  'boot',
  'seen',
  'event',
  'notice',
  'report',
  'unknown',
] as const
/** `stray`: an event without a boot. `event`: an event of a boot. `unknown`: a record that this version cannot read. */
export type RecordKind = (typeof recordKinds)[number]

/** The values of a record that its order depends on. `n` is its number in its run. */
export type RecordKeys = {
  record: RecordKind
  n: number
  boot?: string | undefined
  machine?: string | undefined
  mac?: string | undefined
  /** A boot whose machine is not certain. */
  weak?: boolean
}

/** A record with its place. */
export type PlacedRecord = { text: string; end: number; keys: RecordKeys }

type Fields = {
  id?: string | undefined
  boot_id?: string | undefined
  machine_id?: string | undefined
  mac?: string | undefined
  weak?: boolean
}

/** A record's text. Its fields have the names of columns, so that a statement can read the text. @param ms the time in its run */
export function formatRecord(
  record: RecordKind,
  n: number,
  ms: number,
  fields: Fields,
): { text: string; keys: RecordKeys } {
  const whole = { record, n, ms, ...fields, id: fields.id ?? newId() }
  return { text: JSON.stringify(whole), keys: keysOf(whole) }
}

/** The keys of a text that was read from a file. */
export function parseKeys(text: string): RecordKeys {
  try {
    const value = JSON.parse(text) as Fields & { record: RecordKind; n: number }
    if (recordKinds.includes(value.record)) return keysOf(value)
  } catch {
    // Not JSON: the database never sees it.
  }
  return { record: 'unknown', n: 0 }
}

function keysOf({
  record,
  n,
  id,
  boot_id,
  machine_id,
  mac,
  weak,
}: Fields & { record: RecordKind; n: number }): RecordKeys {
  return { record, n, boot: record === 'boot' ? id : boot_id, machine: machine_id, mac, ...(weak === true && { weak }) }
}
