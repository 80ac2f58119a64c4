// Request and response schemas of uploads without a hash.
import { z } from '@hono/zod-openapi'
import { fileName, instant, moment, pageOf, printable, sha256, uuidv7 } from '../common.ts'
import type { Given } from '../json.ts'

export const uploadCreate = z
  .strictObject({
    name: printable(255).openapi({
      description: 'The name of the file on the computer of the client. Underscores replace unusual characters.',
      example: 'debian-12 netinst.iso',
    }),
    sizeBytes: z.int('a whole number of bytes').min(1, 'at least one byte'),
    modifiedAt: instant.optional().openapi({
      description: 'When the file was last modified. It tells two files with the same name and size apart.',
    }),
  })
  .openapi('FileUploadCreate')

export const fileUpload = z
  .object({
    id: uuidv7,
    name: fileName,
    sizeBytes: z.int(),
    receivedBytes: z.int().min(0).openapi({ description: 'The number of bytes that have arrived, from the first on.' }),
    modifiedAt: moment.optional(),
    createdAt: moment,
    sha256: sha256
      .optional()
      .openapi({ description: 'Present if all bytes have arrived: the file is stored under this hash.' }),
  })
  .openapi('FileUpload', { description: 'An upload whose hash is not known before its last byte.' })
export type FileUpload = Given<typeof fileUpload>

export const fileUploadList = pageOf(fileUpload).openapi('FileUploadList')
export type FileUploadList = Given<typeof fileUploadList>
