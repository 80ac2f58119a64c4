// /menus: menus on the screens of machines.
import { z } from '@hono/zod-openapi'
import { etagOf } from '../../inventory/common/precondition.ts'
import { changeMenu, deleteMenu, findMenu, listMenus, menuNotices, saveMenu } from '../../inventory/machines/menus.ts'
import { findUses } from '../../inventory/machines/references.ts'
import { requireFound } from '../../lib/errors.ts'
import type { Menu } from '../../model/menu.ts'
import { type Counted, counted, deletion } from '../changes/counted.ts'
import { type AdminDeps, endpoint } from '../http/endpoint.ts'
import { page, withoutNulls } from '../http/page.ts'
import { listQuery } from '../schemas/common.ts'
import { thingName } from '../schemas/machines/assignment.ts'
import { changeQuery, deletedSchema } from '../schemas/machines/concerns.ts'
import { menuList, menuPatch, menuPut, menuSchema } from '../schemas/machines/menu.ts'
import { usesSchema } from '../schemas/machines/uses.ts'

const params = z.object({ name: thingName })

export const list = endpoint({
  operationId: 'listMenus',
  action: 'inventory.read',
  scope: 'any',
  summary: 'List menus by name',
  query: listQuery(thingName),
  returns: menuList,
  statuses: { 200: 'One page' },
  answer: async ({ db }, { query }) => {
    const { items, ...next } = await page(
      query.limit,
      (count) => listMenus(db, count, query.after),
      (menu) => menu.name,
    )
    return { status: 200, body: { items: items.map(withoutNulls), ...next } }
  },
})

export const get = endpoint({
  operationId: 'getMenu',
  action: 'inventory.read',
  scope: 'any',
  summary: 'Get a menu',
  params,
  returns: menuSchema,
  statuses: { 200: 'The menu' },
  answer: async ({ db }, { params: { name } }) => {
    const menu = await findMenu(db, name)
    requireFound(menu, `menu ${name}`)
    return answerOf(db, menu)
  },
})

export const put = endpoint({
  operationId: 'putMenu',
  action: 'menus.edit',
  summary: 'Create or replace a menu',
  params,
  query: changeQuery,
  description: 'Fields that the body leaves out are cleared.',
  body: menuPut,
  conditional: true,
  returns: menuSchema,
  statuses: { 200: 'Menu replaced', 201: 'Menu created' },
  answer: async ({ db }, { params: { name }, query, body, precondition, by }) => {
    const whole = { ...body, timeoutSeconds: body.timeoutSeconds ?? null, defaultEntry: body.defaultEntry ?? null }
    const { result, concerns } = await counted(db, query, (on) => saveMenu(on, name, whole, precondition, by))
    return answerOf(db, result.menu, result.created, concerns)
  },
})

export const patch = endpoint({
  operationId: 'patchMenu',
  action: 'menus.edit',
  summary: 'Change fields of a menu',
  description: 'Fields that the body leaves out stay; null clears a field. Entries are replaced as a whole.',
  params,
  query: changeQuery,
  body: menuPatch,
  conditional: true,
  returns: menuSchema,
  statuses: { 200: 'Menu changed' },
  answer: async ({ db }, { params: { name }, query, body, precondition, by }) => {
    const changed = await counted(db, query, (on) => changeMenu(on, name, body, precondition, by))
    return answerOf(db, changed.result, false, changed.concerns)
  },
})

export const uses = endpoint({
  operationId: 'listMenuUses',
  action: 'inventory.read',
  summary: 'List what names a menu',
  params,
  returns: usesSchema,
  statuses: { 200: 'The uses' },
  answer: async ({ db }, { params: { name } }) => {
    requireFound(await findMenu(db, name), `menu ${name}`)
    return { status: 200, body: await findUses(db, 'menu', name) }
  },
})

export const remove = endpoint({
  operationId: 'deleteMenu',
  action: 'menus.edit',
  summary: 'Delete a menu that nothing refers to',
  params,
  query: changeQuery,
  conditional: true,
  returns: deletedSchema,
  statuses: { 200: 'With `count` or `dryRun`: the machines that it concerns', 204: 'Menu deleted' },
  answer: async ({ db }, { params: { name }, query, precondition, by }) =>
    deletion(await counted(db, query, (on) => deleteMenu(on, name, precondition, by))),
})

async function answerOf(db: AdminDeps['db'], menu: Menu, created = false, concerns?: Counted) {
  const notices = await menuNotices(db, menu)
  const body = { ...withoutNulls(menu), ...(notices.length > 0 && { notices }), ...(concerns && { concerns }) }
  const headers = { etag: etagOf(menu), ...(created && { location: `/api/v1/menus/${menu.name}` }) }
  return { status: created ? (201 as const) : (200 as const), body, headers }
}
