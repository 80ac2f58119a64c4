// Uploads in parts: an interrupted upload resumes where the received bytes end.
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
import { rangePattern, type Upload } from '../schemas/images/file.ts'

// The time to hash the bytes received before a restart of the server, on a slow disk.
const finishMs = 1_800_000

export async function findUpload(deps: AdminDeps, hash: string): Promise<Upload> {
  const file = await findStored(deps, hash)
  const receivedBytes = file?.sizeBytes ?? (await deps.intake.partials.sizeBytes(keyOf(hash)))
  return { sha256: hash, receivedBytes, stored: file !== undefined }
}

/**
 * Receives one part of a file. If another request is sending the same file, that request is disconnected. It usually comes
 * from the same client, over a broken connection that the server has not noticed yet.
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
    // Many clients read the answer only after they have sent their last byte.
    for await (const _ of bodyOf(context, partBytes));
    return { status: 200, body: stored }
  }
  const key = keyOf(hash)
  const leave = () => incomingOf(context)?.destroy()
  const partial = await intake.partials.open(key, { leave, totalBytes: range.total })
  try {
    const here = partial.sizeBytes()
    if (range.first !== undefined && here !== range.first)
      return problem({
        status: 409,
        detail: `Content-Range: expected a part that begins at byte ${here}, where the received bytes end, got ${range.first}`,
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

/** The first byte of a part, and the byte after its last. If the part is empty, `first` is undefined. */
function parseRange(header: string, contentLength: string | undefined) {
  const [, firstText, lastText, totalText] = rangePattern.exec(header) ?? []
  const total = Number(totalText)
  if (firstText === undefined) return { first: undefined, end: 0, total }
  const first = Number(firstText)
  const end = Number(lastText) + 1
  if (first >= end || end > total)
    throw new InputError({ field: 'content-range', value: header, expected: 'FIRST <= LAST < TOTAL' })
  if (contentLength !== undefined && Number(contentLength) !== end - first)
    throw new InputError({
      field: 'content-length',
      value: contentLength,
      expected: `${end - first}, the number of bytes in Content-Range`,
    })
  return { first, end, total }
}

function keyOf(hash: string): string {
  return `upload-${hash}`
}
