// Request and response schemas of stored files: upload, verify, delete.
import { z } from '@hono/zod-openapi'
import { damageKinds } from '../../../model/catalog.ts'
import { fileName, imageName, moment, pageOf, sha256 } from '../common.ts'
import type { Given } from '../json.ts'

export const fileSchema = z
  .object({
    sha256,
    name: fileName,
    sizeBytes: z.int().min(0),
    createdAt: moment.openapi({ description: 'The time of the last upload.' }),
    checkedAt: moment
      .nullable()
      .openapi({ description: 'When the file was last verified; null if never since its upload.' }),
    damage: z.string().nullable().openapi({ description: 'Why the file is not served; null while it is intact.' }),
    damageKind: z
      .enum(damageKinds)
      .nullable()
      .openapi({ description: 'Whether the store lost the file, or has other bytes; null while it is intact.' }),
  })
  .openapi('File')
export type StoredFile = Given<typeof fileSchema>

export const fileList = pageOf(fileSchema).openapi('FileList')

/** RFC 9110, 14.4. An empty body with an asterisk completes an upload. */
export const rangePattern = /^bytes (?:(\d{1,15})-(\d{1,15})|\*)\/(\d{1,15})$/

export const contentRange = z.string().regex(rangePattern, 'bytes FIRST-LAST/TOTAL, or bytes */TOTAL').openapi({
  description:
    'The range of the file that the body holds (RFC 9110, 14.4 and 14.5). An empty body with `bytes */TOTAL` completes an upload whose bytes have all arrived.',
  example: 'bytes 0-1048575/3145728',
})

export const uploadSchema = z
  .object({
    sha256,
    receivedBytes: z.int().min(0).openapi({ description: 'The number of bytes that have arrived, from the first on.' }),
    stored: z.boolean().openapi({ description: 'The file is complete and stored.' }),
  })
  .openapi('Upload', { description: 'A file that is uploaded in parts.' })
export type Upload = Given<typeof uploadSchema>

const about = { sha256, name: fileName, sizeBytes: z.int() }
const count = z.int()
const lastLine = 'One line. The last line is of the kind `end`, or `error` if the work was interrupted.'
const interrupted = z.object({ kind: z.literal('error'), error: z.string() })

export const verifyEnd = { kind: z.literal('end'), checked: count, damaged: count, failed: count, bytes: count }
export const verifyLine = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('progress'), ...about, doneBytes: count }),
    z.object({ kind: z.literal('checked'), ...about, damage: z.string().nullable() }),
    z
      .object({ kind: z.literal('failed'), ...about, message: z.string() })
      .openapi({ description: 'The file could not be verified.' }),
    z.object(verifyEnd),
    interrupted,
  ])
  .openapi('VerifyLine', { description: lastLine })
export type VerifyLine = Given<typeof verifyLine>

export const filesVerify = z
  .strictObject({
    files: z.array(sha256).min(1).max(10_000).optional(),
    images: z
      .array(imageName)
      .min(1)
      .max(1000)
      .optional()
      .openapi({ description: 'The files of all versions of these images.' }),
  })
  .openapi('FilesVerify', { description: 'Without either field: every stored file.' })

export const clearEnd = { kind: z.literal('end'), dryRun: z.boolean(), files: count, bytes: count, damaged: count }
export const clearLine = z
  .discriminatedUnion('kind', [
    z
      .object({ kind: z.literal('unnamed'), ...about, removed: z.boolean() })
      .openapi({ description: 'Nothing refers to the file.' }),
    z
      .object({ kind: z.literal('unrecorded'), sha256, sizeBytes: count, removed: z.boolean() })
      .openapi({ description: 'Bytes without a record.' }),
    z
      .object({ kind: z.literal('damaged'), ...about, damage: z.string() })
      .openapi({ description: 'The bytes are missing or have another size. The file stays.' }),
    z.object(clearEnd),
    interrupted,
  ])
  .openapi('ClearLine', { description: lastLine })
export type ClearLine = Given<typeof clearLine>

export const filesClear = z
  .strictObject({
    dryRun: z
      .boolean()
      .default(true)
      .openapi({ description: 'Delete and record nothing; report what would be deleted.' }),
    olderThanHours: z.int().min(0).max(87_600).default(24),
  })
  .openapi('FilesClear')
