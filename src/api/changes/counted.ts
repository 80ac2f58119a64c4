// Changes that count the machines which they concern, and dry runs of them.
import type { Db } from '../../db/open.ts'
import type { Tx } from '../../db/transaction.ts'
import { type Concerns, compareCatalogs, compareMachines } from '../../decide/concerns/concerns.ts'
import { loadCatalog } from '../../inventory/boots/catalog.ts'
import { findCounted } from '../../inventory/boots/counted-machines.ts'
import { findMachine } from '../../inventory/machines/machines.ts'
import type { Machine, MachineKey } from '../../model/machine.ts'

/** The query of such a change. */
export type ChangeQuery = { dryRun?: boolean | undefined; count?: boolean | undefined }

/** The machines that a change concerns. */
export type Counted = Concerns & { applied: boolean }

class RolledBackError<Result> extends Error {
  override name = 'RolledBackError'
  readonly result: Result
  constructor(result: Result) {
    super('dry run')
    this.result = result
  }
}

/** Makes a change of one machine, as `counted` does. */
export async function countedMachine<Result extends { machine: Machine }>(
  db: Db,
  query: ChangeQuery,
  key: MachineKey,
  change: (db: Db) => Promise<Result>,
): Promise<{ result: Result; concerns?: Counted }> {
  return countedMachines(db, query, [key], change, ({ machine }) => machine.id)
}

/** Makes a change of some machines, as `counted` does. `keys`: those that it changes or deletes. `made`: the one that it made. */
export async function countedMachines<Result>(
  db: Db,
  { dryRun = false, count = false }: ChangeQuery,
  keys: MachineKey[],
  change: (db: Db) => Promise<Result>,
  made?: (result: Result) => string,
): Promise<{ result: Result; concerns?: Counted }> {
  if (!dryRun && !count) return { result: await change(db) }
  return inTransaction(db, dryRun, async (tx) => {
    const ids = new Set<string>()
    for (const key of keys) {
      const machine = await findMachine(tx, key)
      if (machine !== undefined) ids.add(machine.id)
    }
    const was = await findCounted(tx, [...ids])
    const before = await loadCatalog(tx)
    const result = await change(tx)
    if (made !== undefined) ids.add(made(result))
    const is = await findCounted(tx, [...ids])
    const pairs = [...ids].map((id) => ({
      before: was.find((machine) => machine.id === id),
      after: is.find((machine) => machine.id === id),
    }))
    return { result, concerns: { applied: !dryRun, ...compareMachines(before, await loadCatalog(tx), pairs) } }
  })
}

/** The answer to a deletion, and to an archive. */
export function deletion({ concerns }: { concerns?: Counted }) {
  return concerns === undefined ? { status: 204 as const } : { status: 200 as const, body: { concerns } }
}

/** Runs work in a transaction, which a dry run rolls back. */
export async function inTransaction<Result>(
  db: Db,
  dryRun: boolean,
  work: (tx: Tx) => Promise<Result>,
): Promise<Result> {
  try {
    return await db.transaction(async (tx) => {
      const result = await work(tx)
      if (dryRun) throw new RolledBackError(result)
      return result
    })
  } catch (error) {
    if (error instanceof RolledBackError) return error.result as Result
    throw error
  }
}

/**
 * Makes a change of the catalog. With `count`, the machines are counted after the transaction, so that no boot waits for it. With
 * `dryRun`, the transaction is rolled back.
 */
export async function counted<Result>(
  db: Db,
  { dryRun = false, count = false }: ChangeQuery,
  change: (db: Db) => Promise<Result>,
): Promise<{ result: Result; concerns?: Counted }> {
  if (!dryRun && !count) return { result: await change(db) }
  const { result, before, after } = await inTransaction(db, dryRun, async (tx) => {
    const before = await loadCatalog(tx)
    const result = await change(tx)
    return { result, before, after: await loadCatalog(tx) }
  })
  return { result, concerns: { applied: !dryRun, ...(await compareCatalogs(db, before, after)) } }
}
