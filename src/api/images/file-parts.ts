// Uploads in parts: an interrupted upload resumes where the received bytes end.
import type { Context } from 'hono'
import type { PartialFile } from '../../bytes/fetch/partial-file.ts'
import { findStored, fromPartial, keepFile, reuseStored } from '../../files/keep.ts'
import type { StoredFile } from '../../inventory/images/files.ts'
import { InputError } from '../../lib/errors.ts'
import { tooLarge } from '../http/bodies.ts'
import type { AdminDeps, Answer } from '../http/endpoint.ts'
import type { Upload } from '../schemas/images/file.ts'
import { parseRange, receivePart, skipPart } from './receive-part.ts'

export async function findUpload(deps: AdminDeps, hash: string): Promise<Upload> {
  const file = await findStored(deps, hash)
  const receivedBytes = file?.sizeBytes ?? (await deps.intake.partials.sizeBytes(keyOf(hash)))
  return { sha256: hash, receivedBytes, stored: file !== undefined }
}

/** Receives one part of a file whose hash the client knows. */
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
  const stored = await reuseStored(deps, hash)
  if (stored !== undefined) {
    await skipPart(range, context)
    return { status: 200, body: stored }
  }
  const key = keyOf(hash)
  const complete = async (partial: PartialFile) => {
    await requireHash(partial, hash, () => intake.partials.remove(key))
    const { file } = await keepFile(deps, { sha256: hash, name }, fromPartial(hash, partial))
    await intake.partials.remove(key)
    return file
  }
  const received = await receivePart(deps, key, range, context, { complete })
  if (received instanceof Response) return received
  if (typeof received === 'number')
    return { status: 202, body: { sha256: hash, receivedBytes: received, stored: false } }
  return { status: 201, body: received, headers: { location: `/api/v1/files/${hash}` } }
}

async function requireHash(partial: PartialFile, hash: string, remove: () => Promise<void>): Promise<void> {
  const actual = await partial.digest('sha256')
  if (actual === hash) return
  await remove()
  const expected = `${actual}, the hash of the ${partial.sizeBytes()} bytes received`
  throw new InputError({ field: 'sha256', value: hash, expected })
}

function keyOf(hash: string): string {
  return `upload-${hash}`
}
