// /files: the files of images, uploaded whole or in parts.
import { z } from '@hono/zod-openapi'
import { keepFile } from '../../files/keep.ts'
import { findFile, listFiles } from '../../inventory/images/files.ts'
import { requireFound } from '../../lib/errors.ts'
import { bodyOf, tooLarge } from '../http/bodies.ts'
import { endpoint } from '../http/endpoint.ts'
import { page } from '../http/page.ts'
import { fileName, listQuery, sha256 } from '../schemas/common.ts'
import { contentRange, fileList, fileSchema, uploadSchema } from '../schemas/images/file.ts'
import { findUpload, putPart } from './file-parts.ts'

export const list = endpoint({
  operationId: 'listFiles',
  action: 'inventory.read',
  scope: 'any',
  summary: 'List stored files by sha256',
  query: listQuery(sha256),
  returns: fileList,
  statuses: { 200: 'One page' },
  answer: async ({ db }, { query }) => ({
    status: 200,
    body: await page(
      query.limit,
      (count) => listFiles(db, count, query.after),
      (file) => file.sha256,
    ),
  }),
})

export const get = endpoint({
  operationId: 'getFile',
  action: 'inventory.read',
  scope: 'any',
  summary: 'Get the record of a stored file',
  params: z.object({ sha256 }),
  returns: fileSchema,
  statuses: { 200: 'The record' },
  answer: async ({ db }, { params }) => {
    const file = await findFile(db, params.sha256)
    requireFound(file, `file ${params.sha256}`)
    return { status: 200, body: file }
  },
})

export const put = endpoint({
  operationId: 'putFile',
  action: 'files.upload',
  summary: 'Upload a file',
  description:
    'Bytes with a different sha256 are refused. A file that is already stored keeps its first name; a damaged file is stored again.\n\nWith Content-Range, the body is a part of the file. Each part begins where the received bytes end; otherwise it is refused (409, and Upload-Offset has the position). If a part is interrupted, the received bytes stay; GET `upload` below this path returns their number. After the last part the file is verified and stored. `curl -T FILE -C OFFSET` sends such a part.',
  params: z.object({ sha256 }),
  query: z.strictObject({ name: fileName }),
  headers: z.object({ 'content-range': contentRange.optional() }),
  bodyIsBytes: true,
  returns: z.union([fileSchema, uploadSchema]),
  statuses: {
    200: 'File already stored',
    201: 'File stored',
    202: 'Part received, more to come: an Upload',
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
    // Many clients read the answer only after they have sent their last byte.
    if (!written) for await (const _ of bytes);
    return created
      ? { status: 201, body: file, headers: { location: `/api/v1/files/${file.sha256}` } }
      : { status: 200, body: file }
  },
})

export const upload = endpoint({
  operationId: 'getUpload',
  action: 'inventory.read',
  scope: 'any',
  summary: 'Get the progress of an upload: where its next part begins',
  params: z.object({ sha256 }),
  returns: uploadSchema,
  statuses: { 200: 'The progress; zero bytes if the upload never began' },
  answer: async (deps, { params }) => ({ status: 200, body: await findUpload(deps, params.sha256) }),
})
