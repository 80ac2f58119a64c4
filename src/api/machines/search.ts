// The search that a query names, with the selector of its group.
import type { Db } from '../../db/open.ts'
import { findGroup } from '../../inventory/machines/groups.ts'
import type { MachineSearch } from '../../inventory/machines/search/condition.ts'
import { InputError } from '../../lib/errors.ts'
import type { Scope } from '../../model/access/scope.ts'
import { type MachineFilter, searchOf } from '../schemas/machines/search.ts'

/** @throws InputError if there is no such group */
export async function findSearch(
  db: Db,
  { group: name, ...filter }: MachineFilter,
  scope: Scope | undefined,
): Promise<MachineSearch> {
  const search = { ...searchOf(filter), scope }
  if (name === undefined) return search
  const group = await findGroup(db, name)
  if (group === undefined) throw new InputError({ field: 'group', value: name, expected: 'the name of a group' })
  return { ...search, selector: group.selector }
}
