// An upload, put into a file before it is read.
import { createReadStream } from 'node:fs'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Context } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { bodyOf } from './bodies.ts'

/** An upload that is wholly here, in a file of its own. */
export type Spooled = {
  /** A folder for this upload alone. */
  folder: string
  read: () => AsyncIterable<Buffer>
  remove: () => Promise<void>
}

/**
 * Puts the body of a request into a file: however slowly it comes, nothing waits for it, and an interrupted upload
 * changes nothing. @throws HTTPException 413, 400 when it is interrupted
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
