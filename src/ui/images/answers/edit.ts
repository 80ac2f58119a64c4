// /new/answer-file and /answer-files/:name: the editor of an answer file, checked and rendered as it is typed.
import type { AnswerPreview } from '../../../api/schemas/boots/draft.ts'
import type { AnswerFile } from '../../../api/schemas/images/answer-file.ts'
import { changedSince, type Meanwhile } from '../../forms/changed.ts'
import { concernsSentence } from '../../forms/concerns.ts'
import { findPreview, nameIn, type Previewed, saveNamed } from '../../forms/named.ts'
import { pathOf, type RefusedError } from '../../http/client.ts'
import type { Form } from '../../http/form.ts'
import { type Page, type PageHandler, submit, type Visit } from '../../http/visit.ts'
import { namesOf } from '../../machines/names.ts'
import { findUses } from '../../machines/uses.ts'
import { type DocumentRow, documentsOf, readAnswerFile, readDocuments, usualNames, withEmptyDocuments } from './form.ts'

type Fields = { values: Record<string, string>; rows: DocumentRow[] }

/** What the editor shows besides the fields. */
type Parts = Previewed<AnswerPreview> & {
  /** The saved answer file; undefined for a new one. */
  saved?: { file: AnswerFile; etag: string } | undefined
  /** The change was refused. */
  refusal?: RefusedError | undefined
  meanwhile?: Meanwhile[]
}

export const newPage: PageHandler = (visit) => editor(visit, { values: {}, rows: [] }, {})

export const get: PageHandler = async (visit) => {
  const saved = await requireAnswerFile(visit)
  const fields = { values: { ...visit.query.values, title: saved.file.title }, rows: documentsOf(saved.file) }
  const parts = visit.may('answer-files.edit') ? await previewOf(visit, saved.file.name, visit.query, fields.rows) : {}
  return editor(visit, fields, { saved, ...parts })
}

/** Shows the form with its preview again, and saves nothing. */
export const preview: PageHandler = async (visit) => {
  const { form, params } = visit
  const saved = params.name === undefined ? undefined : await requireAnswerFile(visit)
  const name = params.name ?? form.get('name') ?? 'new-file'
  const rows = readDocuments(form)
  return editor(visit, { values: form.values, rows }, { saved, ...(await previewOf(visit, name, form, rows)) })
}

export const save: PageHandler = (visit) =>
  submit(
    async () => {
      const { name, version, concerns } = await saveNamed<AnswerFile>(visit, 'answer-files', readAnswerFile(visit.form))
      const notice = `Answer file ${name} is saved. Its current version is ${version}. ${concernsSentence(concerns)}`
      return { redirect: pathOf('answer-files', name), notice }
    },
    (refusal) => again(visit, refusal),
  )

/** The form as it was entered, with the refusal, and with what others changed meanwhile. */
async function again(visit: Visit, refusal: RefusedError): Promise<Page> {
  const { form, params } = visit
  const saved = params.name === undefined ? undefined : await requireAnswerFile(visit)
  const meanwhile = await changedSince(visit, 'answer-file', nameIn(visit), refusal)
  const rows = readDocuments(form)
  // The preview says in which line each fault is.
  const parts = await previewOf(visit, nameIn(visit), form, rows)
  return editor(visit, { values: form.values, rows }, { saved, refusal, meanwhile, ...parts })
}

export async function requireAnswerFile({ api, params }: Visit): Promise<{ file: AnswerFile; etag: string }> {
  const { body, etag } = await api.read<AnswerFile>(pathOf('answer-files', params.name ?? ''))
  return { file: body, etag }
}

/** Checks the documents, and renders them for the machine and the image that the form names. */
async function previewOf(
  { api }: Visit,
  name: string,
  fields: Form,
  documents: DocumentRow[],
): Promise<Previewed<AnswerPreview>> {
  const [machine, image] = [fields.get('machine'), fields.get('image')]
  if (documents.length === 0) return {}
  return findPreview(async () => {
    const body = { documents, ...(machine !== undefined && { machine }), ...(image !== undefined && { image }) }
    return api.ask<AnswerPreview>('POST', pathOf('answer-files', name, 'preview'), body)
  })
}

async function editor(visit: Visit, fields: Fields, parts: Parts): Promise<Page> {
  const { api, may } = visit
  const { saved } = parts
  const name = saved?.file.name
  const path = pathOf('answer-files', name ?? 'debian-base')
  const more = Number(fields.values.more ?? 0)
  const [images, uses] = await Promise.all([
    namesOf(api, '/images'),
    name === undefined ? [] : findUses(api, path, name),
  ])
  return {
    view: 'answer-files/edit',
    title: name === undefined ? 'New answer file' : `Answer file ${name}`,
    data: {
      ...parts,
      ...{ name, images, uses, more, usualNames, file: saved?.file, etag: saved?.etag, values: fields.values },
      rows: may('answer-files.edit') ? withEmptyDocuments(fields.rows, more) : fields.rows,
    },
    commands: commandsOf(name),
  }
}

function commandsOf(name = 'debian-base') {
  const path = pathOf('answer-files', name)
  const body = { documents: [{ name: 'preseed.cfg', text: 'd-i netcfg/get_hostname string {{ machine.hostname }}\n' }] }
  return [
    { title: 'Get an answer file', path, cli: `answer-file show ${name}` },
    { title: 'Save an answer file', method: 'PUT' as const, path, body, cli: `answer-file set ${name} preseed.cfg` },
  ]
}
