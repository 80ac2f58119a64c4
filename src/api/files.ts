import type { IncomingMessage } from 'node:http'
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { NotFoundError } from '../errors.ts'
import { findFile, listFiles, noteStored, reuseFile, saveFile } from '../inventory/files.ts'
import { endpoint } from './endpoint.ts'
import { fileName, limit, moment, page, pageOf, sha256 } from './schemas.ts'

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
    'The bytes are refused when they have another sha256. A file already stored keeps its first name; one that is damaged is stored anew.',
  params: z.object({ sha256 }),
  query: z.strictObject({ name: fileName }),
  bodyIsBytes: true,
  returns: fileSchema,
  statuses: { 200: 'It was already stored', 201: 'It is stored' },
  answer: async ({ db, store, maxFileBytes }, { params, query }, context) => {
    if (Number(context.req.header('content-length') ?? 0) > maxFileBytes) throw tooLarge(maxFileBytes)
    const bytes = bodyOf(context, maxFileBytes)
    const before = await reuseFile(db, params.sha256)
    if (before !== undefined && (await store.size(params.sha256)) === before.sizeBytes) {
      // Read to its end all the same: many clients look at the answer only after their last byte.
      for await (const _ of bytes);
      return { status: 200, body: before }
    }
    const { sizeBytes } = await store.put(params.sha256, bytes, maxFileBytes)
    await noteStored(db, params.sha256)
    const { file, created } = await saveFile(db, { sha256: params.sha256, name: query.name, sizeBytes }, store.size)
    return created
      ? { status: 201, body: file, headers: { location: `/api/v1/files/${file.sha256}` } }
      : { status: 200, body: file }
  },
})

/** The body as it arrives. Whoever stops reading leaves the connection open, so that the reason can still be answered. */
export async function* bodyOf(context: Context, maxBytes: number): AsyncGenerator<Uint8Array> {
  const incoming = (context.env as { incoming?: IncomingMessage } | undefined)?.incoming
  const chunks =
    incoming?.iterator({ destroyOnReturn: false }) ?? context.req.raw.body?.values({ preventCancel: true }) ?? []
  let sizeBytes = 0
  try {
    for await (const chunk of chunks) {
      sizeBytes += chunk.length
      if (sizeBytes > maxBytes) throw tooLarge(maxBytes)
      yield chunk
    }
  } catch (error) {
    throw incoming?.destroyed && !incoming.complete
      ? new HTTPException(400, { message: 'the upload ended early', cause: error })
      : error
  }
}

function tooLarge(maxBytes: number): HTTPException {
  return new HTTPException(413, { message: `a file has at most ${maxBytes} bytes` })
}
