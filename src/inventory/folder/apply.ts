// Applies a folder: all of it in one transaction, or nothing.

import type { Db } from '../../db/open.ts'
import type { Tx } from '../../db/transaction.ts'
import { isSameJson } from '../../lib/canonical.ts'
import { ConflictError, type FieldFault, InputError } from '../../lib/errors.ts'
import type { Catalog } from '../../model/catalog.ts'
import type { Folder } from '../../model/folder/folder.ts'
import { loadCatalog } from '../boots/catalog.ts'
import { type Actor, listChanges } from '../changes/changes.ts'
import { lockName } from '../common/lock.ts'
import { etagOf, type Precondition } from '../common/precondition.ts'
import { lockFiles } from '../images/files.ts'
import { findPolicy, savePolicy } from '../machines/policy.ts'
import { isSaved, type KindOfThing, kindsOfThings, type StoredThing, type ToSave } from './kinds.ts'
import { keyOf, listOwned, ownThings } from './owners.ts'
import { checkPlanTag, type Planned, planTag } from './plan.ts'
import { type CountMatches, type Orphan, pruneThings } from './prune.ts'

/** How a folder is applied. */
export type ApplyOptions = {
  /** The name of the folder: only what it owns is pruned. */
  owner: string
  /** Changes nothing. */
  dryRun: boolean
  /** Deletes what the owner has and the folder no longer has. */
  prune: boolean
  /** Deletes groups too that machines match. */
  pruneUsed: boolean
  /** Takes over things that another folder owns. */
  take: boolean
  /** The tag of the plan that was read. */
  precondition: Precondition
  countMatches: CountMatches
  /** Also gives the catalogs before and after. */
  catalogs: boolean
}

/** The plan of a folder, in the order of its steps, and the tag of the state that it starts from. */
export type Applied = { items: Planned[]; tag: string; catalogs?: { before: Catalog; after: Catalog } }

/** Ends the transaction of a dry run. */
class DryRunEnd extends Error {}

/**
 * Applies a folder, or nothing of it. A dry run does the same and rolls back, so it finds the same faults.
 * @throws InputError for all faults, with the fields of the folder; ConflictError for things of other owners, and for things
 * that cannot be deleted; PreconditionError if something changed since the plan
 */
export async function applyFolder(db: Db, folder: Folder, options: ApplyOptions, by: Actor): Promise<Applied> {
  refuseTwins(folder)
  let applied: Applied | undefined
  await db
    .transaction(async (tx) => {
      const before = options.catalogs ? await loadCatalog(tx) : undefined
      applied = await applyIn(tx, folder, options, by)
      if (before !== undefined) applied = { ...applied, catalogs: { before, after: await loadCatalog(tx) } }
      if (options.dryRun) throw new DryRunEnd()
    })
    .catch((error: unknown) => {
      if (!(error instanceof DryRunEnd)) throw error
    })
  if (applied === undefined) throw new Error('a transaction without a result')
  return applied
}

type Step = { kind: KindOfThing; given: { name: string }; index: number; before: StoredThing | undefined }

async function applyIn(tx: Tx, folder: Folder, options: ApplyOptions, by: Actor): Promise<Applied> {
  if (folder.images.length > 0) await lockFiles(tx)
  await lockName(tx, 'folder', 'apply')
  const owned = new Map((await listOwned(tx)).map((thing) => [keyOf(thing), thing.owner]))
  const policy = await findPolicy(tx)
  const steps: Step[] = []
  const orphans: Orphan[] = []
  for (const kind of kindsOfThings) {
    const things = new Map((await kind.list(tx)).map((thing) => [thing.name, thing]))
    const given = folder[kind.field]
    steps.push(...given.map((thing, index) => ({ kind, given: thing, index, before: things.get(thing.name) })))
    const names = new Set(given.map(({ name }) => name))
    const gone = [...things.values()].filter(({ name }) => !names.has(name))
    if (options.prune)
      orphans.push(
        ...gone
          .filter(({ name }) => owned.get(keyOf({ kind: kind.kind, name })) === options.owner)
          .map((thing) => ({ kind, thing })),
      )
  }
  const tag = planTag({
    options: [options.owner, options.prune, options.pruneUsed, options.take],
    policy: folder.policy && policy,
    things: steps.map(({ kind, given, before }) => [kind.kind, given.name, before ? etagOf(before) : null]),
    owners: steps.map(({ kind, given }) => owned.get(keyOf({ kind: kind.kind, name: given.name })) ?? null),
    orphans: orphans.map(({ kind, thing }) => [kind.kind, thing.name, etagOf(thing)]),
  })
  checkPlanTag(options.precondition, tag, await latestChange(tx, options.precondition, steps, orphans))
  if (!options.take) refuseOtherOwners(steps, owned, options.owner)

  const items = await saveAll(tx, steps, owned, options.owner, by)
  if (folder.policy !== undefined) items.push(await applyPolicy(tx, folder.policy, policy, by))
  const pruned = await pruneThings(tx, orphans, { by, used: options.pruneUsed, countMatches: options.countMatches })
  refuseUsed(pruned, options.dryRun)
  const taken = steps.filter(
    ({ kind, given: { name } }) => owned.get(keyOf({ kind: kind.kind, name })) !== options.owner,
  )
  await ownThings(
    tx,
    taken.map(({ kind, given: { name } }) => ({ kind: kind.kind, name })),
    options.owner,
  )
  return { items: [...items, ...pruned], tag }
}

/** Saves what differs. All faults of the folder are found before any of them is reported. */
async function saveAll(
  tx: Tx,
  steps: Step[],
  owned: Map<string, string>,
  owner: string,
  by: Actor,
): Promise<Planned[]> {
  const faults: FieldFault[] = []
  const items: Planned[] = []
  const together = new Map<KindOfThing, ToSave[]>(kindsOfThings.flatMap((kind) => (kind.saveMany ? [[kind, []]] : [])))
  const namesOf = new Map(
    kindsOfThings.map((kind) => [
      kind,
      new Set(steps.filter((step) => step.kind === kind).map(({ given }) => given.name)),
    ]),
  )
  for (const { kind, given, index, before } of steps) {
    const ownerBefore = owned.get(keyOf({ kind: kind.kind, name: given.name }))
    const formOf = (form: { name: string }) => kind.exported?.(form) ?? form
    const row = {
      ...{ kind: kind.kind, name: given.name },
      ...(before !== undefined && ownerBefore === undefined && { adopted: true as const }),
      ...(ownerBefore !== undefined && ownerBefore !== owner && { takenFrom: ownerBefore }),
    }
    if (isSaved(kind, given, before?.form)) {
      items.push({ ...row, outcome: 'unchanged' })
      continue
    }
    const precondition: Precondition = before === undefined ? { ifNoneMatch: '*' } : { ifMatch: [etagOf(before)] }
    const field = `${kind.field}[${index}]`
    const many = together.get(kind)
    if (many !== undefined)
      many.push({
        given,
        precondition,
        faultsIn: (found) => faults.push(...found.map((fault) => placed(fault, field))),
      })
    else
      await kind
        .save(tx, given, before?.form, { precondition, by, together: namesOf.get(kind) ?? new Set() })
        .catch((error: unknown) => faults.push(...faultsIn(error, field)))
    items.push({
      ...{ ...row, outcome: before === undefined ? 'created' : 'changed' },
      ...(before !== undefined && { before: formOf(before.form) }),
      after: formOf(kind.after(given, before?.form)),
    })
  }
  for (const [kind, many] of together) if (many.length > 0) await kind.saveMany?.(tx, many, by)
  if (faults.length > 0) throw new InputError(faults)
  return items
}

async function applyPolicy(tx: Tx, after: NonNullable<Folder['policy']>, before: unknown, by: Actor): Promise<Planned> {
  if (isSameJson(before, after)) return { kind: 'policy', outcome: 'unchanged' }
  await savePolicy(tx, after, by).catch((error: unknown) => {
    throw new InputError(faultsIn(error, 'policy'))
  })
  return { kind: 'policy', outcome: 'changed', before, after }
}

/** The faults of one thing, with their place in the folder. Any other error is thrown again. */
function faultsIn(error: unknown, field: string): FieldFault[] {
  if (!(error instanceof InputError)) throw error
  return error.faults.map((fault) => placed(fault, field))
}

function placed(fault: FieldFault, field: string): FieldFault {
  return { ...fault, field: [field, fault.field].filter(Boolean).join('.') }
}

/** @throws InputError for two things of the same kind and name */
function refuseTwins(folder: Folder): void {
  const faults = kindsOfThings.flatMap(({ field }) => {
    const names = folder[field].map(({ name }) => name)
    return names.flatMap((name, index) =>
      names.indexOf(name) === index
        ? []
        : [{ field: `${field}[${index}].name`, value: name, expected: 'each name only once' }],
    )
  })
  if (faults.length > 0) throw new InputError(faults)
}

/** @throws ConflictError if another folder owns a thing */
function refuseOtherOwners(steps: Step[], owned: Map<string, string>, owner: string): void {
  const others = steps.flatMap(({ kind, given: { name } }) => {
    const other = owned.get(keyOf({ kind: kind.kind, name }))
    return other === undefined || other === owner ? [] : [`${wordOf(kind.kind)} ${name} (${other})`]
  })
  if (others.length > 0)
    throw new ConflictError(
      `other folders own ${listed(others)}. Next step: --take, or remove it from one of the folders`,
    )
}

/** @throws ConflictError if a thing cannot be deleted. A plan shows it in its rows. */
function refuseUsed(pruned: Planned[], dryRun: boolean): void {
  const used = pruned.flatMap(({ kind, name, refused }) =>
    refused === undefined ? [] : [`${wordOf(kind)} ${name}: ${refused}`],
  )
  if (used.length > 0 && !dryRun) throw new ConflictError(`nothing was applied, because machines use ${listed(used)}`)
}

/** The latest change of a thing in the plan, in words: only asked for if the plan was made from a tag. */
async function latestChange(
  tx: Tx,
  { ifMatch }: Precondition,
  steps: Step[],
  orphans: Orphan[],
): Promise<string | undefined> {
  if (ifMatch === undefined || ifMatch === '*') return undefined
  const subject = ['policy', ...steps.map(({ given }) => given.name), ...orphans.map(({ thing }) => thing.name)]
  const [latest] = await listChanges(tx, { subject, exceptTypes: ['machine', 'deployment', 'boot'] }, 1)
  if (latest === undefined) return undefined
  return `${latest.type} ${latest.subject} by ${latest.actor} at ${latest.at.toISOString()}`
}

function listed(texts: string[]): string {
  return `${texts.slice(0, 10).join(', ')}${texts.length > 10 ? ` and ${texts.length - 10} more` : ''}`
}

function wordOf(kind: Planned['kind']): string {
  return kind.replace('-', ' ')
}
