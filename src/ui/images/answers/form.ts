// The form of an answer file: its documents as fields.
import type { AnswerFile } from '../../../api/schemas/images/answer-file.ts'
import { defaultMediaType, maxDocuments } from '../../../model/answer-file.ts'
import type { Form } from '../../http/form.ts'

/** A document of the form, as it was entered. */
export type DocumentRow = { name: string; mediaType: string; text: string }

/** An answer file as the API takes it. */
export type AnswerBody = { title?: string; documents: DocumentRow[] }

/** Names of documents that installers ask for. */
export const usualNames = [
  'preseed.cfg',
  'ks.cfg',
  'user-data',
  'meta-data',
  'autounattend.xml',
  'config.ign',
  'answers.yaml',
]

/** The documents of the form. A document without a name and without a text is left out. */
export function readDocuments(form: Form): DocumentRow[] {
  const count = Math.min(Number(form.get('rows') ?? 0) || 0, maxDocuments)
  const rows = Array.from({ length: count }, (_, index) => ({
    name: form.get(`name.${index}`) ?? '',
    mediaType: form.get(`mediaType.${index}`) ?? defaultMediaType,
    // Spaces and line ends at the ends of a text belong to it.
    text: form.values[`text.${index}`] ?? '',
  }))
  return rows.filter(({ name, text }) => name !== '' || text.trim() !== '')
}

export function readAnswerFile(form: Form): AnswerBody {
  const title = form.get('title')
  return { ...(title !== undefined && { title }), documents: readDocuments(form) }
}

/** The documents, with empty ones for more. */
export function withEmptyDocuments(rows: DocumentRow[], count: number): DocumentRow[] {
  const more = rows.length === 0 ? Math.max(1, count) : count
  const empty = { name: '', mediaType: defaultMediaType, text: '' }
  return [...rows, ...Array.from({ length: more }, () => empty)].slice(0, maxDocuments)
}

export function documentsOf({ documents }: Pick<AnswerFile, 'documents'>): DocumentRow[] {
  return documents.map(({ name, mediaType, text }) => ({ name, mediaType, text }))
}
