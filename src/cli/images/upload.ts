// Uploads of files to the server.
import { stat } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import type { StoredFile, Upload } from '../../api/schemas/images/file.ts'
import type { FileRef } from '../../api/schemas/images/variant.ts'
import { patientRetriesMs } from '../../bytes/fetch/download.ts'
import { formatBytes } from '../../lib/text/format.ts'
import { type Client, ConnectionError, RefusedError, withQuery } from '../shell/client.ts'
import type { CliDeps } from '../shell/deps.ts'
import { operatorPath } from '../shell/path.ts'
import { type Progress, startProgress } from '../shell/progress.ts'
import { openSource, type Place, readSource, type Source } from './source.ts'

const defaultStallMs = 60_000
const defaultRetriesMs = [1000, 2000, 4000, 8000]

/** From this size on, uploads can resume. */
const largeBytes = 8 * 2 ** 20

/**
 * Uploads a file, unless the server has it, and prints one line about it. If the server already has a file with the expected
 * hash of a URL, the URL is not downloaded.
 * @param role the purpose of the file, for that line
 */
export async function storeFile(client: Client, deps: CliDeps, place: Place, role: string): Promise<FileRef> {
  const progress = startProgress(deps, `${role} ${place.name}`)
  try {
    const from = place.path === undefined ? place : { ...place, path: operatorPath(deps, place.path) }
    return await uploadMissing(client, deps, from, progress)
  } catch (error) {
    progress.clear()
    throw error
  }
}

/** Checks that a file on this computer exists, and uploads nothing. @throws Error for the operator */
export async function requireFile(deps: CliDeps, { path, name, sha256 = '0'.repeat(64) }: Place): Promise<FileRef> {
  if (path !== undefined && !(await stat(operatorPath(deps, path)).catch(() => undefined))?.isFile())
    throw new Error(`${path}: no such file`)
  return { sha256, name }
}

async function uploadMissing(client: Client, deps: CliDeps, place: Place, progress: Progress): Promise<FileRef> {
  const { name } = place
  const ended = (sizeBytes: number | undefined, sha256: string, how: string): FileRef => {
    progress.end(
      [sizeBytes === undefined ? '' : formatBytes(sizeBytes), `sha256 ${sha256}`, how].filter(Boolean).join(', '),
    )
    return { sha256, name }
  }

  if (place.url !== undefined && place.sha256 !== undefined && (await isStored(client, place.sha256))) {
    return ended(undefined, place.sha256, 'already on the server')
  }
  const { stallMs = defaultStallMs, retriesMs = defaultRetriesMs, env } = deps
  const source = await openSource(place, { stallMs, retriesMs, env, progress: progress.update })
  const { sizeBytes, sha256, close } = source
  try {
    if (sizeBytes >= largeBytes) {
      const sent = await uploadLarge(client, source, name, progress, deps.retriesMs ?? patientRetriesMs)
      return ended(sizeBytes, sha256, sent ? 'uploaded' : 'already on the server')
    }
    if (await isStored(client, sha256)) return ended(sizeBytes, sha256, 'already on the server')
    const bytes = readSource(source, 0, (done) => progress.update('uploading', done, sizeBytes))
    await client.upload(withQuery(`/files/${sha256}`, { name }), bytes, sizeBytes)
    return ended(sizeBytes, sha256, 'uploaded')
  } finally {
    await close()
  }
}

// A damaged file counts as missing, so that it is uploaded again.
async function isStored(client: Client, sha256: string): Promise<boolean> {
  const file = await client.find<StoredFile>(`/files/${sha256}`)
  return file !== undefined && file.damage === null
}

/**
 * Sends the bytes that the server lacks. Retries after a connection failure and while the server restarts.
 * @returns false if there was nothing to send
 */
async function uploadLarge(
  client: Client,
  source: Source,
  name: string,
  progress: Progress,
  retriesMs: number[],
): Promise<boolean> {
  const { sizeBytes, sha256 } = source
  const path = withQuery(`/files/${sha256}`, { name })
  let furthest = 0
  let failures = 0
  let sent = false
  for (;;) {
    try {
      const { receivedBytes: from, stored } = await client.ask<Upload>('GET', `/files/${sha256}/upload`)
      if (stored) return sent
      sent = true
      if (from > furthest) failures = 0
      furthest = Math.max(furthest, from)
      const bytes = readSource(source, from, (done) => progress.update('uploading', done, sizeBytes))
      const range = from < sizeBytes ? `${from}-${sizeBytes - 1}` : '*'
      await client.upload(path, bytes, sizeBytes - from, `bytes ${range}/${sizeBytes}`)
      return true
    } catch (error) {
      if (!isTemporary(error)) throw error
      const waitMs = retriesMs[failures++]
      if (waitMs === undefined) throw error
      await wait(waitMs)
    }
  }
}

/** True if a retry may help: the connection broke, the server is busy, or it has received other bytes since. */
function isTemporary(error: unknown): boolean {
  if (error instanceof RefusedError) return [409, 400, 503].includes(error.status)
  return error instanceof ConnectionError
}
