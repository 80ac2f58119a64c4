// /new/group and /groups/:name: the editor of a group, with a preview of its effect.
import type { GroupPreview } from '../../../api/schemas/boots/draft.ts'
import type { Group } from '../../../api/schemas/machines/group.ts'
import type { SecretList } from '../../../api/schemas/machines/secret.ts'
import type { BootProgramList } from '../../../api/schemas/system/boot-program.ts'
import { localMethods, proxyModes } from '../../../model/assignment.ts'
import { selectorFacts } from '../../../model/selector.ts'
import { changedSince, type Meanwhile } from '../../forms/changed.ts'
import { concernsSentence } from '../../forms/concerns.ts'
import { findPreview, nameIn, type Previewed, saveNamed } from '../../forms/named.ts'
import { factWords, readRows, tests, withEmptyRows } from '../../forms/selector.ts'
import { pathOf, RefusedError } from '../../http/client.ts'
import type { Form } from '../../http/form.ts'
import { type Page, type PageHandler, submit, type Visit } from '../../http/visit.ts'
import { namesOf } from '../names.ts'
import { bodyOf, fieldsOfGroup, type GroupBody, type GroupFields, readGroup } from './form.ts'

/** What the editor shows besides the fields. */
type Parts = Previewed<GroupPreview> & {
  /** The saved group; undefined for a new one. */
  saved?: { group: Group; etag: string } | undefined
  /** The change was refused. */
  refusal?: RefusedError | undefined
  meanwhile?: Meanwhile[]
  secretRefusal?: RefusedError | undefined
}

export const newPage: PageHandler = async (visit) => {
  const label = visit.query.get('label')
  const [name = '', value = ''] = label?.split('=') ?? []
  const rows = label === undefined ? [] : [{ what: 'label', label: name, test: 'equals', value }]
  return editor(visit, { values: {}, rows }, {})
}

export const get: PageHandler = (visit) => showGroup(visit)

/** The editor with the group as it is saved. */
export async function showGroup(visit: Visit, parts: Pick<Parts, 'secretRefusal'> = {}): Promise<Page> {
  const saved = await requireGroup(visit)
  const { name } = saved.group
  // Comparing thousands of machines takes a moment, so the page asks for it after it is shown.
  const machine = visit.query.get('machine')
  const isAsked = machine !== undefined && visit.may('groups.edit')
  const effect = isAsked ? await previewOf(visit, name, machine, () => bodyOf(saved.group)) : {}
  const { values, rows } = fieldsOfGroup(saved.group)
  return editor(visit, { values: { ...visit.query.values, ...values }, rows }, { saved, ...effect, ...parts })
}

/** Shows the form with its preview again, and saves nothing. */
export const preview: PageHandler = async (visit) => {
  const { form, params } = visit
  const saved = params.name === undefined ? undefined : await requireGroup(visit)
  const name = params.name ?? form.get('name') ?? 'new-group'
  const parts = await previewOf(visit, name, form.get('machine'), () => readGroup(form))
  return editor(visit, fieldsOfForm(form), { saved, ...parts })
}

export const save: PageHandler = (visit) =>
  submit(
    async () => {
      const { name, concerns, notices = [] } = await saveNamed<Group>(visit, 'groups', readGroup(visit.form))
      const notice = `Group ${name} is saved. ${concernsSentence(concerns)}`
      return { redirect: pathOf('groups', name), notice: [notice, ...notices].join(' ') }
    },
    (refusal) => again(visit, refusal),
  )

/** The form as it was entered, with the refusal, and with what others changed meanwhile. */
async function again(visit: Visit, refusal: RefusedError): Promise<Page> {
  const { form, params } = visit
  const saved = params.name === undefined ? undefined : await findGroup(visit)
  const meanwhile = await changedSince(visit, 'group', nameIn(visit), refusal)
  return editor(visit, fieldsOfForm(form), { saved, refusal, meanwhile })
}

export async function requireGroup({ api, params }: Visit): Promise<{ group: Group; etag: string }> {
  const { body, etag } = await api.read<Group>(pathOf('groups', params.name ?? ''))
  return { group: body, etag }
}

async function findGroup(visit: Visit) {
  return requireGroup(visit).catch((error: unknown) => {
    if (error instanceof RefusedError && error.status === 404) return undefined
    throw error
  })
}

/** Asks for the preview of a group, for the machine that the form names. */
async function previewOf(
  { api }: Visit,
  name: string,
  machine: string | undefined,
  read: () => GroupBody,
): Promise<Previewed<GroupPreview>> {
  return findPreview(async () => {
    const body = { group: read(), ...(machine !== undefined && { machine }) }
    return api.ask<GroupPreview>('POST', pathOf('groups', name, 'preview'), body)
  })
}

async function editor(visit: Visit, fields: GroupFields, parts: Parts): Promise<Page> {
  const { api, may } = visit
  const { saved } = parts
  const name = saved?.group.name
  const [images, menus, answerFiles, programs, secrets] = await Promise.all([
    namesOf(api, '/images'),
    namesOf(api, '/menus'),
    namesOf(api, '/answer-files'),
    api.ask<BootProgramList>('GET', '/boot-programs'),
    name === undefined ? { items: [] } : api.ask<SecretList>('GET', pathOf('groups', name, 'secrets')),
  ])
  const more = Number(fields.values.more ?? 0)
  return {
    view: 'groups/edit',
    title: name === undefined ? 'New group' : `Group ${name}`,
    data: {
      ...parts,
      ...{ name, images, menus, answerFiles, tests, proxyModes, localMethods, secrets: secrets.items },
      group: saved?.group,
      etag: saved?.etag,
      values: fields.values,
      rows: withEmptyRows(fields.rows, may('groups.edit') ? 2 + more : 0),
      more,
      facts: selectorFacts,
      factWords,
      programs: programs.items.map((program) => program.name),
    },
    commands: commandsOf(name),
  }
}

function fieldsOfForm(form: Form): GroupFields {
  return { values: form.values, rows: readRows(form) }
}

function commandsOf(name = 'rack-b4') {
  const body = { priority: 10, selector: [{ label: 'rack', equals: 'b4' }], assignment: { image: 'debian-13' } }
  const path = pathOf('groups', name)
  const cli = `group set ${name} --where label.rack=b4 --priority 10 --image debian-13`
  return [
    { title: 'Get a group', path, cli: `group show ${name}` },
    { title: 'Create or replace a group', method: 'PUT' as const, path, body, cli },
    { title: 'Preview a group', method: 'POST' as const, path: `${path}/preview`, body: { group: body } },
  ]
}
