// /new/menu and /menus/:name: the editor of a menu, with its screen.
import type { MenuPreview } from '../../../api/schemas/boots/draft.ts'
import type { Concerns } from '../../../api/schemas/machines/concerns.ts'
import type { Menu } from '../../../api/schemas/machines/menu.ts'
import { archs, platforms } from '../../../model/arch.ts'
import { changedSince, type Meanwhile } from '../../forms/changed.ts'
import { concernsSentence, findConcerns } from '../../forms/concerns.ts'
import { findPreview, nameIn, type Previewed, saveNamed } from '../../forms/named.ts'
import { pathOf, type RefusedError } from '../../http/client.ts'
import type { Form } from '../../http/form.ts'
import { type Page, type PageHandler, submit, type Visit } from '../../http/visit.ts'
import { namesOf } from '../names.ts'
import {
  entryKinds,
  fieldsOfForm,
  fieldsOfMenu,
  type MenuBody,
  type MenuFields,
  readMenu,
  withEmptyEntries,
} from './form.ts'
import { drawMenu } from './screen.ts'

/** What the editor shows besides the fields. */
type Parts = Previewed<MenuPreview> & {
  /** The saved menu; undefined for a new one. */
  saved?: { menu: Menu; etag: string } | undefined
  /** The change was refused. */
  refusal?: RefusedError | undefined
  meanwhile?: Meanwhile[]
  /** The machines that boot something else. Comparing all machines takes a moment, so only a whole change is counted. */
  concerns?: Concerns | undefined
}

export const newPage: PageHandler = async (visit) => {
  const values = { title: 'Choose a system to boot' }
  return editor(visit, { values, rows: [] }, {})
}

export const get: PageHandler = async (visit) => {
  const saved = await requireMenu(visit)
  const { title, timeoutSeconds, defaultEntry, entries } = saved.menu
  const body = {
    ...{ title, entries },
    ...(timeoutSeconds !== undefined && { timeoutSeconds }),
    ...(defaultEntry !== undefined && { defaultEntry }),
  }
  const parts = visit.may('menus.edit') ? await previewOf(visit, saved.menu.name, visit.query, () => body) : {}
  const { values, rows } = fieldsOfMenu(saved.menu)
  return editor(visit, { values: { ...visit.query.values, ...values }, rows }, { saved, ...parts })
}

/** Shows the form with its preview again, and saves nothing. */
export const preview: PageHandler = async (visit) => {
  const { api, form, params, query } = visit
  const saved = params.name === undefined ? undefined : await requireMenu(visit)
  const name = params.name ?? form.get('name') ?? 'new-menu'
  const parts = await previewOf(visit, name, form, () => readMenu(form))
  const isCounted = parts.fault === undefined && (form.has('count') || query.has('count'))
  const counted = isCounted ? await findConcerns(api, 'PUT', pathOf('menus', name), readMenu(form)) : {}
  return editor(visit, fieldsOfForm(form), { saved, ...parts, ...counted })
}

export const save: PageHandler = (visit) =>
  submit(
    async () => {
      const { name, concerns, notices = [] } = await saveNamed<Menu>(visit, 'menus', readMenu(visit.form))
      const notice = `Menu ${name} is saved. ${concernsSentence(concerns)}`
      return { redirect: pathOf('menus', name), notice: [notice, ...notices].join(' ') }
    },
    (refusal) => again(visit, refusal),
  )

/** The form as it was entered, with the refusal, and with what others changed meanwhile. */
async function again(visit: Visit, refusal: RefusedError): Promise<Page> {
  const { form, params } = visit
  const saved = params.name === undefined ? undefined : await requireMenu(visit)
  const meanwhile = await changedSince(visit, 'menu', nameIn(visit), refusal)
  return editor(visit, fieldsOfForm(form), { saved, refusal, meanwhile })
}

export async function requireMenu({ api, params }: Visit): Promise<{ menu: Menu; etag: string }> {
  const { body, etag } = await api.read<Menu>(pathOf('menus', params.name ?? ''))
  return { menu: body, etag }
}

/** Asks for the screen and the script, for the machine or the firmware that the form names. */
async function previewOf(
  { api }: Visit,
  name: string,
  fields: Form,
  read: () => MenuBody,
): Promise<Previewed<MenuPreview>> {
  return findPreview(async () => {
    const [machine, arch, platform] = ['machine', 'previewArch', 'previewPlatform'].map((field) => fields.get(field))
    const about = { ...(machine && { machine }), ...(arch && { arch }), ...(platform && { platform }) }
    const body = { menu: read(), ...about }
    return api.ask<MenuPreview>('POST', pathOf('menus', name, 'preview'), body)
  })
}

async function editor(visit: Visit, fields: MenuFields, parts: Parts): Promise<Page> {
  const { api, may } = visit
  const { saved, preview: drawn } = parts
  const name = saved?.menu.name
  const [images, menus, answerFiles] = await Promise.all([
    namesOf(api, '/images'),
    namesOf(api, '/menus'),
    namesOf(api, '/answer-files'),
  ])
  const more = Number(fields.values.more ?? 0)
  return {
    view: 'menus/edit',
    title: name === undefined ? 'New menu' : `Menu ${name}`,
    data: {
      ...parts,
      ...{ name, images, menus, answerFiles, archs, platforms, more, kinds: entryKinds },
      menu: saved?.menu,
      etag: saved?.etag,
      values: fields.values,
      rows: withEmptyEntries(fields.rows, may('menus.edit') ? 1 + more : 0),
      screen: drawn?.screen && drawMenu(drawn.screen),
    },
    commands: commandsOf(name, saved?.menu),
  }
}

function commandsOf(name = 'main', menu?: Menu) {
  const path = pathOf('menus', name)
  const entries = menu?.entries ?? [{ kind: 'local', name: 'disk', text: 'Boot from the local disk' }]
  const body = { title: menu?.title ?? 'Choose a system to boot', entries }
  return [
    { title: 'Get a menu', path, cli: `menu show ${name}` },
    { title: 'Create or replace a menu', method: 'PUT' as const, path, body, cli: `menu set ${name} menu.json` },
  ]
}
