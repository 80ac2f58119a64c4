// Which records one transaction writes. Pure. Called by writer.ts.
import { type PlacedRecord, type RecordKind, recordKinds } from '../records.ts'

/** The first records of a list, grouped by kind. A transaction writes the kinds in the order of `recordKinds`. */
export type Batch = { records: PlacedRecord[]; groups: Map<RecordKind, PlacedRecord[]> }

/** Limits of one transaction. Longer ones keep reports waiting. */
const maxRecords = 1000
const maxBoots = 256

const phases = new Map(recordKinds.map((kind, phase) => [kind, phase]))

/**
 * Takes records from the front of a list, in such a number that writing them by kind has the same result as writing them one
 * after the other. Records of one machine, boot or MAC keep their order: a record that would overtake an earlier one ends the
 * batch. Events without a boot are the exception: `insertBoots` knows which of them are older than a boot.
 * @param machineOf the machine of a recorded boot, if it has one
 */
export function firstBatch(list: PlacedRecord[], machineOf: (bootId: string) => string | undefined): Batch {
  const reached = new Map<string, number>()
  const own = new Map<string, string>()
  const groups = new Map<RecordKind, PlacedRecord[]>()
  const records: PlacedRecord[] = []
  for (const item of list) {
    const { record, boot, machine, mac, weak } = item.keys
    const phase = phases.get(record) as number
    const owner = machine ?? (boot && (own.get(boot) ?? machineOf(boot)))
    const keys = [boot && `boot ${boot}`, owner && `machine ${owner}`, record !== 'stray' && mac && `mac ${mac}`]
    const found = keys.filter((key) => typeof key === 'string' && key !== '') as string[]
    const overtakes = found.some((key) => (reached.get(key) ?? 0) > phase)
    // A boot that is not certain ends earlier ones of its machine that are not certain either: each needs its own statement.
    const repeats = weak === true && owner !== undefined && reached.get(`machine ${owner}`) === phase
    const group = groups.get(record) ?? []
    if (overtakes || repeats || records.length >= maxRecords || (record === 'boot' && group.length >= maxBoots)) break
    if (record === 'boot' && boot !== undefined && machine !== undefined) own.set(boot, machine)
    for (const key of found) reached.set(key, phase)
    group.push(item)
    groups.set(record, group)
    records.push(item)
  }
  return { records, groups }
}
