import { z } from '@hono/zod-openapi'
import { keepFile } from '../../files/keep.ts'
import { findFile, listFiles } from '../../inventory/images/files.ts'
import { NotFoundError } from '../../lib/errors.ts'
import { bodyOf, tooLarge } from '../http/bodies.ts'
import { endpoint } from '../http/endpoint.ts'
import { fileName, limit, moment, page, pageOf, sha256 } from '../schemas/common.ts'
import { contentRange, findUpload, putPart, uploadSchema } from './file-parts.ts'

export const fileSchema = z
  .object({
    sha256,
    name: fileName,
    sizeBytes: z.int().min(0),
    createdAt: moment.openapi({ description: 'When it was uploaded last.' }),
    checkedAt: moment
      .nullable()
      .openapi({ description: 'When its bytes were last hashed again; null when never since it was uploaded.' }),
    damage: z
      .string()
      .nullable()
      .openapi({ description: 'Why it is not served; null while its bytes are what they should be.' }),
  })
  .openapi('File')

export const list = endpoint({
  operationId: 'listFiles',
  summary: 'Uploaded files by sha256',
  query: z.strictObject({ limit, after: sha256.optional().openapi({ description: 'The `next` of the page before.' }) }),
  returns: pageOf(fileSchema).openapi('FileList'),
  statuses: { 200: 'One page' },
  answer: async ({ db }, { query }) => ({
    status: 200,
    body: await page(
      query.limit,
      (count) => listFiles(db, count, query.after),
      (one) => one.sha256,
    ),
  }),
})

export const get = endpoint({
  operationId: 'getFile',
  summary: 'The record of an uploaded file',
  params: z.object({ sha256 }),
  returns: fileSchema,
  statuses: { 200: 'The record' },
  answer: async ({ db }, { params }) => {
    const file = await findFile(db, params.sha256)
    if (file === undefined) throw new NotFoundError(`there is no file ${params.sha256}`)
    return { status: 200, body: file }
  },
})

export const put = endpoint({
  operationId: 'putFile',
  summary: 'Upload a file',
  description:
    'The bytes are refused when they have another sha256. A file already stored keeps its first name; one that is damaged is stored anew.\n\nWith Content-Range a part of it: each part begins where the bytes end that are here, else it is refused (409, and Upload-Offset says where). Of a part that is cut off, what arrived stays; GET of `upload` below it says how much that is. The part that ends the file has it hashed and stored. `curl -T FILE -C OFFSET` sends such a part.',
  params: z.object({ sha256 }),
  query: z.strictObject({ name: fileName }),
  headers: z.object({ 'content-range': contentRange.optional() }),
  bodyIsBytes: true,
  returns: z.union([fileSchema, uploadSchema]),
  statuses: {
    200: 'It was already stored',
    201: 'It is stored',
    202: 'The part is here, and is not the last: an Upload',
  },
  answer: async (deps, { params, query }, context) => {
    const { maxFileBytes, intake } = deps
    const range = context.req.header('content-range')
    if (range !== undefined) return putPart(deps, params.sha256, query.name, range, context)
    const length = Number(context.req.header('content-length') ?? 0)
    if (length > maxFileBytes) throw tooLarge(maxFileBytes)
    await intake.partials.requireRoom(length)
    const bytes = bodyOf(context, maxFileBytes)
    const { sha256: hash } = params
    const { file, created, written } = await keepFile(deps, { sha256: hash, name: query.name }, (store) =>
      store.put(hash, bytes, maxFileBytes),
    )
    // Read to its end all the same: many clients look at the answer only after their last byte.
    if (!written) for await (const _ of bytes);
    return created
      ? { status: 201, body: file, headers: { location: `/api/v1/files/${file.sha256}` } }
      : { status: 200, body: file }
  },
})

export const upload = endpoint({
  operationId: 'getUpload',
  summary: 'How much of an upload is here: where its next part begins',
  params: z.object({ sha256 }),
  returns: uploadSchema,
  statuses: { 200: 'So much of it; nothing, of one that never began' },
  answer: async (deps, { params }) => ({ status: 200, body: await findUpload(deps, params.sha256) }),
})
