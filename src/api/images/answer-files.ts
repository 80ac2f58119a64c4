import { z } from '@hono/zod-openapi'
import { etagOf } from '../../inventory/common/precondition.ts'
import {
  changeAnswerFile,
  deleteAnswerFile,
  findAnswerFile,
  listAnswerFiles,
  listAnswerFileVersions,
  saveAnswerFile,
  useAnswerFileVersion,
} from '../../inventory/images/answer-files.ts'
import { NotFoundError } from '../../lib/errors.ts'
import { type AnswerFile, defaultMediaType, maxDocuments } from '../../model/answer-file.ts'
import { checkAnswers } from '../../render/answers.ts'
import { endpoint } from '../http/endpoint.ts'
import { fileName, limit, moment, page, pageOf, printable } from '../schemas/common.ts'
import { thingName } from '../schemas/machines/assignment.ts'

const mostCharacters = 262_144

export const answerDocument = z
  .strictObject({
    name: fileName.openapi({ description: 'Its name in the URL.', example: 'preseed.cfg' }),
    mediaType: z
      .string()
      .regex(/^[A-Za-z0-9.+-]+\/[A-Za-z0-9.+-]+(; ?[A-Za-z0-9-]+=[A-Za-z0-9._-]+)*$/, 'a media type, text/plain')
      .default(defaultMediaType),
    text: z
      .string()
      .max(mostCharacters, `at most ${mostCharacters} characters`)
      .superRefine((text, context) => {
        const fault = encodingFault(text)
        if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
      })
      .openapi({ description: 'Liquid, with the names machine, params, secrets, image, boot and tree.' }),
  })
  .openapi('AnswerDocument')

/** What a text has that no text in UTF-8 has; it was read in another encoding. */
function encodingFault(text: string): string | undefined {
  const place = text.search(/\0|\p{Cs}|\ufffd/u)
  if (place < 0) return undefined
  const where = `in line ${text.slice(0, place).split('\n').length}`
  if (text[place] === '\0') return `text in UTF-8, without the NUL character ${where}: it looks like UTF-16`
  return `text in UTF-8, without the unreadable character ${where}: it looks like ISO-8859-1 or Windows-1252`
}

const documents = z
  .array(answerDocument)
  .min(1, 'at least one document')
  .max(maxDocuments, `at most ${maxDocuments} documents`)
  .openapi({
    description:
      'One for most installers; for cloud-init user-data and, where wanted, meta-data, vendor-data and network-config.',
  })
const version = z.int().min(1).max(2_147_483_647)
const title = printable(128)

const answerFileSchema = z
  .object({
    name: thingName,
    title: z.string(),
    version: version.openapi({ description: 'The version in force.' }),
    documents,
    revision: z.int(),
    createdAt: moment,
    updatedAt: moment,
  })
  .openapi('AnswerFile')

const versionSchema = z
  .object({ version, current: z.boolean(), documents, createdAt: moment })
  .openapi('AnswerFileVersion')

const params = z.object({ name: thingName })

export const list = endpoint({
  operationId: 'listAnswerFiles',
  summary: 'Answer files by name',
  query: z.strictObject({
    limit,
    after: thingName.optional().openapi({ description: 'The `next` of the page before.' }),
  }),
  returns: pageOf(answerFileSchema).openapi('AnswerFileList'),
  statuses: { 200: 'One page' },
  answer: async ({ db }, { query }) => ({
    status: 200,
    body: await page(
      query.limit,
      (count) => listAnswerFiles(db, count, query.after),
      (one) => one.name,
    ),
  }),
})

export const get = endpoint({
  operationId: 'getAnswerFile',
  summary: 'An answer file with the version in force',
  params,
  returns: answerFileSchema,
  statuses: { 200: 'The answer file' },
  answer: async ({ db }, { params: { name } }) => {
    const file = await findAnswerFile(db, name)
    if (file === undefined) throw new NotFoundError(`there is no answer file ${name}`)
    return shown(file)
  },
})

export const put = endpoint({
  operationId: 'putAnswerFile',
  summary: 'Add an answer file, or a new version of it',
  description:
    'Its Liquid is checked: the grammar, and that every name is one that boots have. Documents other than those in force become a new version. What the body leaves out is cleared.',
  params,
  body: z.strictObject({ title: title.nullish(), documents }).openapi('AnswerFilePut'),
  conditional: true,
  returns: answerFileSchema,
  statuses: { 200: 'The answer file, as it is now', 201: 'The answer file, new' },
  answer: async ({ db }, { params: { name }, body, precondition, by }) => {
    checkAnswers(body.documents)
    const content = { ...body, title: body.title ?? '' }
    const { answerFile, created } = await saveAnswerFile(db, name, content, precondition, by)
    return shown(answerFile, created)
  },
})

const documentChange = z
  .strictObject({
    name: answerDocument.shape.name,
    mediaType: answerDocument.shape.mediaType.removeDefault().optional(),
    text: answerDocument.shape.text.nullable(),
  })
  .openapi('AnswerDocumentChange', { description: 'A null text removes the document.' })

export const patch = endpoint({
  operationId: 'patchAnswerFile',
  summary: 'Change some of an answer file, or put another version of it in force',
  description:
    'What the body leaves out stays; documents are merged by name. Other documents than those in force become a new version.',
  params,
  body: z
    .strictObject({
      title: title.nullish(),
      documents: z.array(documentChange).max(maxDocuments, `at most ${maxDocuments} documents`).optional(),
      version: version.optional().openapi({ description: 'The version to put in force, and nothing else.' }),
    })
    .refine((given) => given.version === undefined || Object.keys(given).length === 1, {
      path: ['version'],
      message: 'no other field beside it',
    })
    .openapi('AnswerFilePatch'),
  conditional: true,
  returns: answerFileSchema,
  statuses: { 200: 'The answer file, changed' },
  answer: async ({ db }, { params: { name }, body: { version: used, ...change }, precondition, by }) =>
    shown(
      used === undefined
        ? await changeAnswerFile(db, name, change, checkAnswers, precondition, by)
        : await useAnswerFileVersion(db, name, used, precondition, by),
    ),
})

export const versions = endpoint({
  operationId: 'listAnswerFileVersions',
  summary: "All of an answer file's versions, newest first",
  params,
  returns: z.object({ items: z.array(versionSchema) }).openapi('AnswerFileVersionList'),
  statuses: { 200: 'The versions' },
  answer: async ({ db }, { params: { name } }) => ({
    status: 200,
    body: { items: await listAnswerFileVersions(db, name) },
  }),
})

export const remove = endpoint({
  operationId: 'deleteAnswerFile',
  summary: 'Delete an answer file that nothing names any more',
  params,
  conditional: true,
  statuses: { 204: 'It is gone' },
  answer: async ({ db }, { params: { name }, precondition, by }) => {
    await deleteAnswerFile(db, name, precondition, by)
    return { status: 204 }
  },
})

function shown(file: AnswerFile, created = false) {
  const headers = { etag: etagOf(file), ...(created && { location: `/api/v1/answer-files/${file.name}` }) }
  return { status: created ? (201 as const) : (200 as const), body: file, headers }
}
