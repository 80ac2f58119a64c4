import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { ListMultipartUploadsCommand, ListObjectsV2Command, type ListObjectsV2CommandOutput } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe } from 'vitest'
import type { FileStore } from '../../src/bytes/store/file-store.ts'
import { openFolderStore } from '../../src/bytes/store/folder-store.ts'
import { createS3Client } from '../../src/bytes/store/s3-client.ts'
import { openS3Store } from '../../src/bytes/store/s3-store.ts'
import { filesFolder } from '../../src/config/data-folder.ts'
import type { S3Settings } from '../../src/config/s3-settings.ts'
import { hasSwift, startSwift } from './swift-server.ts'

/** A place for a store. `everything` lists all files there without the store, including the remains of failed uploads. */
export type StorePlace = {
  folder: string
  s3: S3Settings | undefined
  open: () => Promise<FileStore>
  everything: () => Promise<string[]>
}

/** Runs a suite on each store: a folder, and a bucket of OpenStack Swift. */
export function eachStore(title: string, define: (place: () => StorePlace) => void): void {
  const kinds = [{ name: 'folder', start: startFolder }, ...(hasSwift() ? [{ name: 'S3', start: startBucket }] : [])]
  for (const { name, start } of kinds) {
    describe(`${title} (${name})`, () => {
      let started: { place: StorePlace; stop: () => Promise<void> }
      beforeAll(async () => {
        started = await start()
      })
      afterAll(() => started?.stop())
      define(() => started.place)
    })
  }
}

/** A place in a bucket. `everything` also lists the files that uploads left in the folder, and unfinished multipart uploads. */
export function bucketPlace(s3: S3Settings, folder: string): StorePlace {
  return {
    folder,
    s3,
    open: () => openS3Store(s3, filesFolder(folder)),
    everything: async () => [...(await namesIn(folder)), ...(await namesInBucket(s3))],
  }
}

/**
 * Starts a process that stores bytes at a place. With `endless`, the process stores half of them and then waits. Resolves when
 * the store has the first bytes.
 */
export async function startUpload(
  { folder, s3 }: StorePlace,
  { sizeBytes, endless }: { sizeBytes: number; endless: boolean },
): Promise<ChildProcess> {
  const script = fileURLToPath(new URL('upload-process.ts', import.meta.url))
  const asked = JSON.stringify({ folder, s3, sizeBytes, endless })
  const child = spawn(process.execPath, ['--import', 'tsx', script, asked], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(createInterface({ input: child.stdout }), 'line')
  return child
}

async function startFolder() {
  const folder = await mkdtemp(join(tmpdir(), 'bootwright-store-'))
  const place: StorePlace = {
    folder,
    s3: undefined,
    open: () => openFolderStore(filesFolder(folder)),
    everything: () => namesIn(folder),
  }
  return { place, stop: () => rm(folder, { recursive: true }) }
}

async function startBucket() {
  const folder = await mkdtemp(join(tmpdir(), 'bootwright-store-'))
  const swift = await startSwift()
  const stop = async () => {
    await swift.stop()
    await rm(folder, { recursive: true })
  }
  return { place: bucketPlace({ ...(await swift.newBucket()), prefix: 'images/' }, folder), stop }
}

async function namesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => entry.name)
}

async function namesInBucket(s3: S3Settings): Promise<string[]> {
  const client = createS3Client(s3)
  const names: string[] = []
  for (let after: string | undefined = ''; after !== undefined; ) {
    const page: ListObjectsV2CommandOutput = await client.send(
      new ListObjectsV2Command({ Bucket: s3.bucket, StartAfter: after }),
    )
    names.push(...(page.Contents ?? []).map(({ Key = '' }) => Key.split('/').at(-1) ?? ''))
    after = page.IsTruncated ? page.Contents?.at(-1)?.Key : undefined
  }
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: s3.bucket }))
  client.destroy()
  return [...names, ...Uploads.map(({ Key }) => `unfinished ${Key}`)]
}
