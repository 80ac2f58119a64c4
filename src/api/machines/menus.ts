import { z } from '@hono/zod-openapi'
import { etagOf } from '../../inventory/common/precondition.ts'
import { changeMenu, deleteMenu, findMenu, listMenus, menuNotices, saveMenu } from '../../inventory/machines/menus.ts'
import { NotFoundError } from '../../lib/errors.ts'
import { archs, platforms } from '../../model/arch.ts'
import type { Menu } from '../../model/menu.ts'
import { type AdminDeps, endpoint } from '../http/endpoint.ts'
import { imageName, limit, moment, page, pageOf, printable, withoutNulls } from '../schemas/common.ts'
import { checkedArgs, everyBoot, thingName, withoutArgs } from '../schemas/machines/assignment.ts'

const common = {
  name: thingName.openapi({ description: 'Unique in the menu.', example: 'install' }),
  text: printable(80).openapi({ description: 'What a person reads.', example: 'Install Debian 12' }),
  hotkey: z
    .string()
    .regex(/^[a-z0-9]$/, 'one letter a-z or digit')
    .optional(),
  archs: z.array(z.enum(archs)).min(1).optional().openapi({ description: 'Hidden from machines of another arch.' }),
  platforms: z.array(z.enum(platforms)).min(1).optional(),
}
const plain = <Kind extends string>(kind: Kind) => z.strictObject({ kind: z.literal(kind), ...common })

const entry = z
  .discriminatedUnion(
    'kind',
    [
      z
        .strictObject({
          kind: z.literal('image'),
          ...common,
          image: imageName,
          args: checkedArgs.optional(),
          withoutArgs: withoutArgs.optional(),
          answerFile: thingName.optional(),
          everyBoot: everyBoot.optional().openapi({
            description: 'Required for a default entry that installs, where the menu has a time limit.',
          }),
        })
        .openapi('MenuImage', { description: 'Hidden where the image has no variant for the machine.' }),
      z.strictObject({ kind: z.literal('menu'), ...common, menu: thingName }).openapi('MenuMenu'),
      plain('local').openapi('MenuLocal'),
      plain('shell').openapi('MenuShell', { description: 'The shell of iPXE.' }),
      plain('reboot').openapi('MenuReboot'),
    ],
    { error: (issue) => (issue.code === 'invalid_union' ? 'image, menu, local, shell or reboot' : undefined) },
  )
  .openapi('MenuEntry')

const title = printable(80).openapi({ example: 'What shall this machine boot?' })
const timeoutSeconds = z.int('a whole number of seconds').min(1).max(86_400)
const timeoutMeaning = { description: 'Then the default entry is taken; without it the menu waits.' }
const entries = z.array(entry).min(1, 'at least one entry').max(64, 'at most 64 entries')
const content = {
  title,
  timeoutSeconds: timeoutSeconds.optional().openapi(timeoutMeaning),
  defaultEntry: thingName.optional(),
  entries,
}

const menuSchema = z
  .object({
    name: thingName,
    ...content,
    revision: z.int(),
    createdAt: moment,
    updatedAt: moment,
    notices: z
      .array(z.string())
      .optional()
      .openapi({ description: 'Where its time limit does not count, and why; not in lists.' }),
  })
  .openapi('Menu')

const params = z.object({ name: thingName })

export const list = endpoint({
  operationId: 'listMenus',
  summary: 'Menus by name',
  query: z.strictObject({
    limit,
    after: thingName.optional().openapi({ description: 'The `next` of the page before.' }),
  }),
  returns: pageOf(menuSchema).openapi('MenuList'),
  statuses: { 200: 'One page' },
  answer: async ({ db }, { query }) => {
    const { items, ...next } = await page(
      query.limit,
      (count) => listMenus(db, count, query.after),
      (one) => one.name,
    )
    return { status: 200, body: { items: items.map(withoutNulls), ...next } }
  },
})

export const get = endpoint({
  operationId: 'getMenu',
  summary: 'A menu',
  params,
  returns: menuSchema,
  statuses: { 200: 'The menu' },
  answer: async ({ db }, { params: { name } }) => {
    const menu = await findMenu(db, name)
    if (menu === undefined) throw new NotFoundError(`there is no menu ${name}`)
    return shown(db, menu)
  },
})

export const put = endpoint({
  operationId: 'putMenu',
  summary: 'Make or replace a menu',
  params,
  description: 'What the body leaves out is cleared.',
  body: z
    .strictObject({
      ...content,
      timeoutSeconds: timeoutSeconds.nullish().openapi(timeoutMeaning),
      defaultEntry: thingName.nullish(),
    })
    .openapi('MenuPut'),
  conditional: true,
  returns: menuSchema,
  statuses: { 200: 'The menu, replaced', 201: 'The menu, new' },
  answer: async ({ db }, { params: { name }, body, precondition, by }) => {
    const whole = { ...body, timeoutSeconds: body.timeoutSeconds ?? null, defaultEntry: body.defaultEntry ?? null }
    const { menu, created } = await saveMenu(db, name, whole, precondition, by)
    return shown(db, menu, created)
  },
})

export const patch = endpoint({
  operationId: 'patchMenu',
  summary: 'Change some of a menu',
  description: 'What the body leaves out stays; null clears. Entries are replaced as a whole.',
  params,
  body: z
    .strictObject({
      title: title.optional(),
      timeoutSeconds: timeoutSeconds.nullish().openapi(timeoutMeaning),
      defaultEntry: thingName.nullish(),
      entries: entries.optional(),
    })
    .openapi('MenuPatch'),
  conditional: true,
  returns: menuSchema,
  statuses: { 200: 'The menu, changed' },
  answer: async ({ db }, { params: { name }, body, precondition, by }) =>
    shown(db, await changeMenu(db, name, body, precondition, by)),
})

export const remove = endpoint({
  operationId: 'deleteMenu',
  summary: 'Delete a menu that nothing names any more',
  params,
  conditional: true,
  statuses: { 204: 'It is gone' },
  answer: async ({ db }, { params: { name }, precondition, by }) => {
    await deleteMenu(db, name, precondition, by)
    return { status: 204 }
  },
})

async function shown(db: AdminDeps['db'], menu: Menu, created = false) {
  const notices = await menuNotices(db, menu)
  const body = { ...withoutNulls(menu), ...(notices.length > 0 && { notices }) }
  const headers = { etag: etagOf(menu), ...(created && { location: `/api/v1/menus/${menu.name}` }) }
  return { status: created ? (201 as const) : (200 as const), body, headers }
}
