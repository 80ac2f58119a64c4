// /uploads: files whose hash the client does not know, uploaded in parts.
import { z } from '@hono/zod-openapi'
import { fileNameOf } from '../../bytes/fetch/file-name.ts'
import {
  beginUpload,
  deleteUpload,
  type FileUpload,
  finishedHash,
  finishUpload,
  listUploads,
  requireUpload,
  uploadKey,
} from '../../files/uploads.ts'
import { InputError } from '../../lib/errors.ts'
import { tooLarge } from '../http/bodies.ts'
import { endpoint } from '../http/endpoint.ts'
import { uuidv7 } from '../schemas/common.ts'
import { contentRange } from '../schemas/images/file.ts'
import { fileUpload, fileUploadList, uploadCreate } from '../schemas/images/upload.ts'
import { parseRange, receivePart, skipPart } from './receive-part.ts'

const params = z.object({ id: uuidv7 })

export const create = endpoint({
  operationId: 'createFileUpload',
  action: 'files.upload',
  summary: 'Start or resume an upload of a file whose hash is unknown',
  description:
    'For browsers, which cannot hash a large file before they send it. PUT sends the parts; after the last part the server stores the file under its hash. If you have an unfinished upload with the same name, size and `modifiedAt`, the answer is that upload. It resumes at `receivedBytes`, also after a restart of the server. Unfinished uploads are deleted after BOOTWRIGHT_KEEP_PARTS_DAYS without a new part.',
  body: uploadCreate,
  returns: fileUpload,
  statuses: { 200: 'The unfinished upload of this file', 201: 'Upload started' },
  answer: async ({ intake, maxFileBytes }, { body, by }) => {
    if (body.sizeBytes > maxFileBytes) throw tooLarge(maxFileBytes)
    const { upload, created } = await beginUpload(intake, { ...body, name: fileNameOf(body.name) }, by)
    const headers = { location: `/api/v1/uploads/${upload.id}` }
    return { status: created ? 201 : 200, body: upload, headers }
  },
})

export const list = endpoint({
  operationId: 'listFileUploads',
  action: 'files.upload',
  summary: 'List your unfinished uploads, the newest progress first',
  returns: fileUploadList,
  statuses: { 200: 'The uploads' },
  answer: async ({ intake }, { by }) => ({ status: 200, body: { items: await listUploads(intake, by) } }),
})

export const get = endpoint({
  operationId: 'getFileUpload',
  action: 'files.upload',
  summary: 'Get the progress of an upload: where its next part begins',
  params,
  returns: fileUpload,
  statuses: { 200: 'The progress, and the hash at the end' },
  answer: async ({ intake }, { params: { id }, by }) => ({ status: 200, body: await requireUpload(intake, id, by) }),
})

export const put = endpoint({
  operationId: 'putFileUploadPart',
  action: 'files.upload',
  summary: 'Upload a part of a file',
  description:
    'Each part begins where the received bytes end; otherwise it is refused (409, and Upload-Offset has the position). If a part is interrupted, the received bytes stay. After the last part the file is stored, and `sha256` names it.',
  params,
  headers: z.object({ 'content-range': contentRange }),
  bodyIsBytes: true,
  returns: fileUpload,
  statuses: { 200: 'File already stored', 201: 'File stored', 202: 'Part received, more to come' },
  answer: async (deps, { params: { id }, by }, context) => {
    const upload = await requireUpload(deps.intake, id, by)
    const header = context.req.header('content-range') ?? ''
    const range = parseRange(header, context.req.header('content-length'))
    if (range.total !== upload.sizeBytes)
      throw new InputError({ field: 'content-range', value: header, expected: `a total of ${upload.sizeBytes} bytes` })
    if (upload.sha256 !== undefined) {
      await skipPart(range, context)
      return { status: 200, body: upload }
    }
    const received = await receivePart(deps, uploadKey(id), range, context, {
      settled: (partial) => {
        const sha256 = finishedHash(id, partial)
        return sha256 === undefined ? undefined : { sha256, created: false }
      },
      complete: (partial) => finishUpload(deps, upload, partial),
    })
    if (received instanceof Response) return received
    if (typeof received === 'number') return { status: 202, body: { ...upload, receivedBytes: received } }
    const body: FileUpload = { ...upload, receivedBytes: upload.sizeBytes, sha256: received.sha256 }
    return { status: received.created ? 201 : 200, body, headers: { location: `/api/v1/files/${received.sha256}` } }
  },
})

export const remove = endpoint({
  operationId: 'deleteFileUpload',
  action: 'files.upload',
  summary: 'Delete an unfinished upload with its bytes',
  params,
  statuses: { 204: 'Upload deleted; a file that is stored already stays' },
  answer: async ({ intake }, { params: { id }, by }) => {
    await deleteUpload(intake, id, by)
    return { status: 204 }
  },
})
