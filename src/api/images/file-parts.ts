import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { PartialFile } from '../../bytes/fetch/partial-file.ts'
import { findStored, fromPartial, keepFile, reuseStored } from '../../files/keep.ts'
import type { StoredFile } from '../../inventory/images/files.ts'
import { InputError } from '../../lib/errors.ts'
import { bodyOf, incomingOf, tooLarge } from '../http/bodies.ts'
import type { AdminDeps, Answer } from '../http/endpoint.ts'
import { problem } from '../http/problems.ts'
import { allowSilence } from '../http/streams.ts'
import { sha256 } from '../schemas/common.ts'

/** RFC 9110, 14.4; with an asterisk, for a body of no bytes: all of the file should be here. */
const rangePattern = /^bytes (?:(\d{1,15})-(\d{1,15})|\*)\/(\d{1,15})$/

export const contentRange = z.string().regex(rangePattern, 'bytes FIRST-LAST/TOTAL, or bytes */TOTAL').openapi({
  description:
    'The bytes are these of the file (RFC 9110, 14.4 and 14.5). With `bytes */TOTAL` and no bytes a file is stored all of which is here.',
  example: 'bytes 0-1048575/3145728',
})

export const uploadSchema = z
  .object({
    sha256,
    receivedBytes: z.int().min(0).openapi({ description: 'So many of its first bytes are here.' }),
    stored: z.boolean().openapi({ description: 'It is whole, and stored.' }),
  })
  .openapi('Upload', { description: 'A file that is uploaded in parts.' })

export type Upload = z.output<typeof uploadSchema>

// Hashing what came before a restart of the server, on a slow disk.
const finishMs = 1_800_000

export async function findUpload(deps: AdminDeps, hash: string): Promise<Upload> {
  const file = await findStored(deps, hash)
  const receivedBytes = file?.sizeBytes ?? (await deps.intake.partials.sizeBytes(keyOf(hash)))
  return { sha256: hash, receivedBytes, stored: file !== undefined }
}

/**
 * Takes one part of a file. Whoever sends the same file at the same time is cut off: most often that is the same client before
 * its connection broke, of which nobody told this side.
 */
export async function putPart(
  deps: AdminDeps,
  hash: string,
  name: string,
  contentRangeHeader: string,
  context: Context,
): Promise<Answer<StoredFile | Upload> | Response> {
  const { maxFileBytes, intake } = deps
  const range = parseRange(contentRangeHeader, context.req.header('content-length'))
  if (range.total > maxFileBytes) throw tooLarge(maxFileBytes)
  const partBytes = range.first === undefined ? 0 : range.end - range.first
  const stored = await reuseStored(deps, hash)
  if (stored !== undefined) {
    // Read to its end all the same: many clients look at the answer only after their last byte.
    for await (const _ of bodyOf(context, partBytes));
    return { status: 200, body: stored }
  }
  const key = keyOf(hash)
  const leave = () => incomingOf(context)?.destroy()
  const partial = await intake.partials.hold(key, { leave, totalBytes: range.total })
  try {
    const here = partial.sizeBytes()
    if (range.first !== undefined && here !== range.first)
      return problem({
        status: 409,
        detail: `Content-Range: expected a part that begins at byte ${here}, where those end that are here, got ${range.first}`,
        headers: { 'upload-offset': String(here) },
      })
    await partial.requireRoom(range.total - here)
    for await (const chunk of bodyOf(context, partBytes)) await partial.append(chunk)
    const receivedBytes = partial.sizeBytes()
    if (range.first !== undefined && receivedBytes !== range.end)
      throw new HTTPException(400, { message: `the part ended after ${receivedBytes - here} of ${partBytes} bytes` })
    if (receivedBytes < range.total) return { status: 202, body: { sha256: hash, receivedBytes, stored: false } }

    allowSilence(context, finishMs)
    await requireHash(partial, hash, () => intake.partials.remove(key))
    const { file } = await keepFile(deps, { sha256: hash, name }, fromPartial(hash, partial))
    await intake.partials.remove(key)
    return { status: 201, body: file, headers: { location: `/api/v1/files/${hash}` } }
  } finally {
    await partial.close()
  }
}

async function requireHash(partial: PartialFile, hash: string, remove: () => Promise<void>): Promise<void> {
  const actual = await partial.digest('sha256')
  if (actual === hash) return
  await remove()
  const expected = `${actual}, the hash of the ${partial.sizeBytes()} bytes received`
  throw new InputError({ field: 'sha256', value: hash, expected })
}

/** The first byte of a part, and the one after its last; the first is undefined where the part has none. */
function parseRange(header: string, contentLength: string | undefined) {
  const [, firstText, lastText, totalText] = rangePattern.exec(header) ?? []
  const total = Number(totalText)
  if (firstText === undefined) return { first: undefined, end: 0, total }
  const first = Number(firstText)
  const end = Number(lastText) + 1
  if (first >= end || end > total)
    throw new InputError({ field: 'content-range', value: header, expected: 'first, last and total in that order' })
  if (contentLength !== undefined && Number(contentLength) !== end - first)
    throw new InputError({
      field: 'content-length',
      value: contentLength,
      expected: `${end - first}, as many bytes as Content-Range says`,
    })
  return { first, end, total }
}

function keyOf(hash: string): string {
  return `upload-${hash}`
}
