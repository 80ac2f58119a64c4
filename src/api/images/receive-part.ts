// One part of a file that a client uploads in parts: its range, and its bytes.
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { PartialFile } from '../../bytes/fetch/partial-file.ts'
import { InputError } from '../../lib/errors.ts'
import { bodyOf, incomingOf } from '../http/bodies.ts'
import type { AdminDeps } from '../http/endpoint.ts'
import { problem } from '../http/problems.ts'
import { allowSilence } from '../http/streams.ts'
import { rangePattern } from '../schemas/images/file.ts'

// The time to hash the bytes received before a restart of the server, on a slow disk.
const finishMs = 1_800_000

/** The range of a part: its first byte, and the byte after its last. If the part is empty, `first` is undefined. */
export type PartRange = { first: number | undefined; end: number; total: number }

/** Reads a part that is not needed. Many clients read the answer only after they have sent their last byte. */
export async function skipPart(range: PartRange, context: Context): Promise<void> {
  for await (const _ of bodyOf(context, sizeOf(range)));
}

/**
 * Receives one part of a file. If another request is sending the same file, that request is disconnected. It usually comes
 * from the same client, over a broken connection that the server has not noticed yet.
 * @param settled called before the part is received; its answer replaces the part
 * @param complete called after the last part, with all bytes of the file
 * @returns the number of received bytes while parts are missing; a refusal as a Response
 */
export async function receivePart<Done>(
  { intake }: Pick<AdminDeps, 'intake'>,
  key: string,
  range: PartRange,
  context: Context,
  {
    settled = () => undefined,
    complete,
  }: { settled?: (partial: PartialFile) => Done | undefined; complete: (partial: PartialFile) => Promise<Done> },
): Promise<Done | number | Response> {
  const leave = () => incomingOf(context)?.destroy()
  const partial = await intake.partials.open(key, { leave, totalBytes: range.total })
  try {
    const done = settled(partial)
    if (done !== undefined) {
      await skipPart(range, context)
      return done
    }
    const here = partial.sizeBytes()
    if (range.first !== undefined && here !== range.first)
      return problem({
        status: 409,
        detail: `Content-Range: expected a part that begins at byte ${here}, where the received bytes end, got ${range.first}`,
        headers: { 'upload-offset': String(here) },
      })
    await partial.requireRoom(range.total - here)
    const partBytes = sizeOf(range)
    for await (const chunk of bodyOf(context, partBytes)) await partial.append(chunk)
    const receivedBytes = partial.sizeBytes()
    if (range.first !== undefined && receivedBytes !== range.end)
      throw new HTTPException(400, { message: `the part ended after ${receivedBytes - here} of ${partBytes} bytes` })
    if (receivedBytes < range.total) return receivedBytes

    allowSilence(context, finishMs)
    return await complete(partial)
  } finally {
    await partial.close()
  }
}

/** The range in a Content-Range header. @throws InputError */
export function parseRange(header: string, contentLength: string | undefined): PartRange {
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

function sizeOf({ first, end }: PartRange): number {
  return first === undefined ? 0 : end - first
}
