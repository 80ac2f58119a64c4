// Request and response schemas of an answer file.
import { z } from '@hono/zod-openapi'
import { defaultMediaType, maxDocuments } from '../../../model/answer-file.ts'
import { fileName, history, moment, pageOf, printable, version } from '../common.ts'
import type { Given } from '../json.ts'
import { thingName } from '../machines/assignment.ts'
import { concerns } from '../machines/concerns.ts'

const maxCharacters = 262_144

export const answerDocument = z
  .strictObject({
    name: fileName.openapi({ description: 'The file name in the URL.', example: 'preseed.cfg' }),
    mediaType: z
      .string()
      .regex(/^[A-Za-z0-9.+-]+\/[A-Za-z0-9.+-]+(; ?[A-Za-z0-9-]+=[A-Za-z0-9._-]+)*$/, 'a media type, text/plain')
      .default(defaultMediaType),
    text: z
      .string()
      .max(maxCharacters, `at most ${maxCharacters} characters`)
      .superRefine((text, context) => {
        const fault = encodingFault(text)
        if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
      })
      .openapi({ description: 'Liquid, with the names machine, params, secrets, image, boot and tree.' }),
  })
  .openapi('AnswerDocument')

/** The fault of a text that was read in another encoding than UTF-8. */
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
      'One document for most installers. For cloud-init: user-data and, optionally, meta-data, vendor-data and network-config.',
  })
const title = printable(128)

export const answerFileSchema = z
  .object({
    name: thingName,
    title: z.string(),
    version: version.openapi({ description: 'The current version.' }),
    documents,
    ...history,
  })
  .openapi('AnswerFile')
export type AnswerFile = Given<typeof answerFileSchema>

export const answerFileSaved = answerFileSchema.extend({ concerns }).openapi('AnswerFileSaved')
export type AnswerFileSaved = Given<typeof answerFileSaved>

export const answerFileList = pageOf(answerFileSchema).openapi('AnswerFileList')

export const answerFilePut = z.strictObject({ title: title.nullish(), documents }).openapi('AnswerFilePut')

const documentChange = z
  .strictObject({
    name: answerDocument.shape.name,
    mediaType: answerDocument.shape.mediaType.removeDefault().optional(),
    text: answerDocument.shape.text.nullable(),
  })
  .openapi('AnswerDocumentChange', { description: 'If `text` is null, the document is removed.' })

export const answerFilePatch = z
  .strictObject({
    title: title.nullish(),
    documents: z.array(documentChange).max(maxDocuments, `at most ${maxDocuments} documents`).optional(),
    version: version.optional().openapi({ description: 'The version to make current. Not with any other field.' }),
  })
  .refine((change) => change.version === undefined || Object.keys(change).length === 1, {
    path: ['version'],
    message: 'no other field together with it',
  })
  .openapi('AnswerFilePatch')

export const answerFileVersionList = z
  .object({
    items: z.array(
      z.object({ version, current: z.boolean(), documents, createdAt: moment }).openapi('AnswerFileVersion'),
    ),
  })
  .openapi('AnswerFileVersionList')
export type AnswerFileVersionList = Given<typeof answerFileVersionList>
