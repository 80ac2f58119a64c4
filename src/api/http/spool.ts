// Uploads that are saved to a temporary file before they are read.
import { createReadStream } from 'node:fs'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { bodyOf } from './bodies.ts'

/** A complete upload in a temporary file. */
export type Spooled = {
  /** A temporary folder for this upload. */
  folder: string
  read: () => AsyncIterable<Buffer>
  remove: () => Promise<void>
}

/**
 * Saves the body of a request to a temporary file. A slow upload blocks nothing, and an interrupted upload changes nothing.
 * @throws HTTPException 413 if the body is too large, 415 if it is encoded, 400 if it is interrupted
 */
export async function spool(context: Context, maxBytes: number): Promise<Spooled> {
  const encoding = context.req.header('content-encoding')
  if (encoding !== undefined && encoding !== 'identity')
    throw new HTTPException(415, { message: `Content-Encoding: expected none, got ${encoding}` })
  const folder = await mkdtemp(join(tmpdir(), 'bootwright-upload-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  try {
    const path = join(folder, 'body')
    const file = await open(path, 'wx', 0o600)
    try {
      for await (const chunk of bodyOf(context, maxBytes)) await file.appendFile(chunk)
    } finally {
      await file.close()
    }
    return { folder, read: () => createReadStream(path), remove }
  } catch (error) {
    await remove()
    throw error
  }
}
