// Checks names of images, menus and answer files, and who uses them.

import { eq, type SQL, sql } from 'drizzle-orm'
import { isActiveSql } from '../../db/deployment-conditions.ts'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import { answerFiles, images } from '../../db/schema/images.ts'
import { menus } from '../../db/schema/machines.ts'
import { ConflictError, type FieldFault, InputError } from '../../lib/errors.ts'
import { nameColumn } from './names.ts'

/** The things that assignments, menus and the policy refer to by name. */
export type Referred = 'image' | 'menu' | 'answerFile'

const tables = { image: images, menu: menus, answerFile: answerFiles }
/** For messages. */
export const referredWords = { image: 'an image', menu: 'a menu', answerFile: 'an answer file' }

/** @throws InputError that names every image, menu and answer file that does not exist */
export async function refuseUnknownNames(
  db: Db,
  named: { [R in Referred]?: string | null | undefined },
  field: string,
): Promise<void> {
  const faults: FieldFault[] = []
  for (const kind of Object.keys(tables) as Referred[]) {
    const name = named[kind]
    if (name === undefined || name === null) continue
    const table = tables[kind]
    const found = await db.select({ name: table.name }).from(table).where(eq(table.name, name))
    if (found.length === 0)
      faults.push({
        field: [field, kind].filter(Boolean).join('.'),
        value: name,
        expected: `the name of ${referredWords[kind]}`,
      })
  }
  if (faults.length > 0) throw new InputError(faults)
}

/** @throws ConflictError that lists the users of a thing, which must not be deleted. Menus in `exceptMenus` do not count. */
export async function refuseNamed(db: Db, kind: Referred, name: string, exceptMenus: string[] = []): Promise<void> {
  const thing = `${kind === 'answerFile' ? 'answer file' : kind} ${name}`
  const found = await db.execute(sql`
    select 'machine ' || ${nameColumn} as who from machines where assignment ->> ${kind} = ${name}
    union all select 'group ' || name from groups where assignment ->> ${kind} = ${name}
    union all select 'menu ' || name from menus where name <> ${kind === 'menu' ? name : ''}
      and not name in (select jsonb_array_elements_text(${JSON.stringify(exceptMenus)}::jsonb))
      and exists (select 1 from jsonb_array_elements(entries) as e(entry) where entry ->> ${kind} = ${name})
    union all select 'the policy' from policies where policy ->> ${kind} = ${name}
    union all select 'deployment ' || id::text from deployments where ${isDeploymentOf(kind, name)}
    union all select 'rollout ' || id::text from rollouts where state in ('running', 'paused', 'stopped')
      and ${kind === 'image' ? sql`image` : sql`assignment ->> ${kind}`} = ${name}
    limit 6`)
  const users = rowsOf<{ who: string }>(found).map(({ who }) => who)
  if (users.length > 0)
    throw new ConflictError(`${thing} is used by ${users.slice(0, 5).join(', ')}${users.length > 5 ? ' and more' : ''}`)
}

/** What names a thing. `assigned`: machines whose own assignment names it. `deployments`: those that are active. */
export type Uses = {
  assigned: number
  groups: string[]
  menus: { menu: string; entry: string }[]
  policy: boolean
  deployments: number
}

/** Finds what names a thing, in one statement. A menu does not use itself. */
export async function findUses(db: Db, kind: Referred, name: string): Promise<Uses> {
  const found = await db.execute(sql`
    select (select count(*)::int from machines where assignment ->> ${kind} = ${name}) as assigned,
      (select count(*)::int from deployments where ${isDeploymentOf(kind, name)}) as deployments,
      coalesce((select jsonb_agg(name order by name) from groups where assignment ->> ${kind} = ${name}), '[]') as groups,
      coalesce((select jsonb_agg(jsonb_build_object('menu', name, 'entry', entry ->> 'name') order by name)
        from menus, jsonb_array_elements(entries) as e(entry)
        where entry ->> ${kind} = ${name} and name <> ${kind === 'menu' ? name : ''}), '[]') as menus,
      exists (select 1 from policies where policy ->> ${kind} = ${name}) as policy`)
  const [uses] = rowsOf<Uses>(found)
  if (uses === undefined) throw new Error('a query without a row')
  return uses
}

/** Whether something names a thing. */
export function isNamed({ assigned, groups, menus, policy, deployments }: Uses): boolean {
  return policy || assigned + deployments + groups.length + menus.length > 0
}

/** The condition of active deployments that use a thing. */
function isDeploymentOf(kind: Referred, name: string): SQL {
  const used = kind === 'image' ? sql`image` : sql`assignment ->> ${kind}`
  return sql`${isActiveSql(sql`state`)} and ${used} = ${name}`
}
