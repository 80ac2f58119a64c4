import { resolve } from 'node:path'
import { type Client, withQuery } from './client.ts'
import type { CliDeps } from './deps.ts'
import { formatBytes } from './format.ts'
import type { FileRef } from './image-variant.ts'
import { type Progress, startProgress } from './progress.ts'
import { openSource, type Place, readSource } from './source.ts'

const defaultStallMs = 60_000

/**
 * Brings a file to the server, unless it has it, and tells so in one line. A URL whose hash is given and known to the
 * server is not even downloaded.
 * @param role what the file is for, for that line
 */
export async function storeFile(client: Client, deps: CliDeps, place: Place, role: string): Promise<FileRef> {
  const progress = startProgress(deps, `${role} ${place.name}`)
  try {
    // npm runs a script in the package's folder; a path is meant from where the operator stands.
    const from = place.path === undefined ? place : { ...place, path: resolve(deps.env.INIT_CWD ?? '', place.path) }
    return await bring(client, from, progress, deps.stallMs ?? defaultStallMs)
  } catch (error) {
    progress.clear()
    throw error
  }
}

async function bring(client: Client, place: Place, progress: Progress, stallMs: number): Promise<FileRef> {
  const { name } = place
  const isStored = async (sha256: string) => (await client.find(`/files/${sha256}`)) !== undefined
  const ended = (sizeBytes: number | undefined, sha256: string, how: string): FileRef => {
    progress.end(
      [sizeBytes === undefined ? '' : formatBytes(sizeBytes), `sha256 ${sha256}`, how].filter(Boolean).join(', '),
    )
    return { sha256, name }
  }

  if (place.url !== undefined && place.sha256 !== undefined && (await isStored(place.sha256))) {
    return ended(undefined, place.sha256, 'already on the server')
  }
  const source = await openSource(place, { stallMs, progress: progress.update })
  const { sizeBytes, sha256, handle } = source
  try {
    if (await isStored(sha256)) return ended(sizeBytes, sha256, 'already on the server')
    const bytes = readSource(source, (done) => progress.update('uploading', done, sizeBytes))
    await client.upload(withQuery(`/files/${sha256}`, { name }), bytes, sizeBytes)
    return ended(sizeBytes, sha256, 'uploaded')
  } finally {
    await handle.close()
  }
}
