// Exports the inventory as a folder.

import { eq } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { secrets } from '../../db/schema/machines.ts'
import type { Folder } from '../../model/folder/folder.ts'
import { findPolicy } from '../machines/policy.ts'
import { kindsOfThings } from './kinds.ts'
import { listOwned } from './owners.ts'

/** A folder, and the names of the secrets of its groups, which no folder has. */
export type ExportedFolder = Folder & { secrets: { group: string; names: string[] }[] }

/**
 * Exports groups, menus, answer files, images, recipes and the policy, each by name, as they are at one moment.
 * @param owner export only what this folder owns; the policy has no owner and is left out then
 */
export async function exportFolder(db: Db, owner?: string): Promise<ExportedFolder> {
  return db.transaction(
    async (tx) => {
      const owned = (await listOwned(tx)).filter((thing) => thing.owner === owner)
      const folder: Record<string, { name: string }[]> = {}
      for (const { kind, field, list, exported: visible } of kindsOfThings) {
        const names = new Set(owned.filter((thing) => thing.kind === kind).map(({ name }) => name))
        const forms = (await list(tx)).map(({ form }) => visible?.(form) ?? form)
        folder[field] = owner === undefined ? forms : forms.filter(({ name }) => names.has(name))
      }
      const exported = folder as Omit<Folder, 'policy'>
      const policy = owner === undefined ? { policy: await findPolicy(tx) } : {}
      return { ...policy, ...exported, secrets: await listGroupSecrets(tx, exported.groups) }
    },
    { isolationLevel: 'repeatable read', accessMode: 'read only' },
  )
}

async function listGroupSecrets(db: Db, groups: { name: string }[]): Promise<ExportedFolder['secrets']> {
  const rows = await db
    .select({ group: secrets.owner, name: secrets.name })
    .from(secrets)
    .where(eq(secrets.ownerKind, 'group'))
    .orderBy(secrets.owner, secrets.name)
  return groups.flatMap(({ name: group }) => {
    const names = rows.filter((row) => row.group === group).map(({ name }) => name)
    return names.length === 0 ? [] : [{ group, names }]
  })
}
