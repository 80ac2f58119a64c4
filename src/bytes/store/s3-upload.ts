// Uploads to a bucket, in parts if the file is large.
import { type FileHandle, mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  AbortMultipartUploadCommand,
  type CompletedPart,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  PutObjectCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'

/** Size of a part; larger files are uploaded in several parts. */
const minPartBytes = 16 * 2 ** 20
/** Files above 16 GB have larger parts, so that there are at most 1,000 (the limit of Swift). */
const maxPartBytes = 64 * 2 ** 20
/** Parts sent in parallel. One upload takes this number times the part size in memory. */
const parallelParts = 2

export type Bucket = { client: S3Client; bucket: string }

/** Uploads files under their keys. A killed upload leaves nothing behind. */
export type Uploader = {
  /** Stores the file at a path under a key. The key exists only after the upload is complete. @throws Error if it failed */
  upload: (key: string, path: string) => Promise<void>
}

/**
 * Opens the folder that records multipart uploads in progress, and aborts uploads of a killed process. Their parts are invisible,
 * and cost money.
 */
export async function openUploader({ client, bucket }: Bucket, folder: string): Promise<Uploader> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  for (const name of await readdir(folder)) {
    const note = join(folder, name)
    const aborted = abortUploads({ client, bucket }, await readFile(note, 'utf8'))
    // If the abort fails (the access key may not list uploads), the next start retries it.
    await aborted.then(
      () => rm(note, { force: true }),
      () => undefined,
    )
  }
  let uploads = 0
  return {
    upload: async (key, path) => {
      const file = await open(path)
      try {
        const { size } = await file.stat()
        if (size <= minPartBytes) await putWhole({ client, bucket }, key, file, size)
        else {
          const note = join(folder, `${process.pid}-${uploads++}`)
          await writeFile(note, key)
          await putInParts({ client, bucket }, key, file, size)
          await rm(note, { force: true })
        }
      } finally {
        await file.close()
      }
    },
  }
}

async function putWhole({ client, bucket }: Bucket, key: string, file: FileHandle, sizeBytes: number): Promise<void> {
  const body = Buffer.allocUnsafe(sizeBytes)
  await fill(file, body, 0)
  await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }))
}

async function putInParts(target: Bucket, key: string, file: FileHandle, sizeBytes: number): Promise<void> {
  const { client, bucket } = target
  const at = { Bucket: bucket, Key: key }
  const { UploadId } = await client.send(new CreateMultipartUploadCommand(at))
  try {
    const parts = await sendParts(target, key, UploadId, file, sizeBytes)
    try {
      await client.send(new CompleteMultipartUploadCommand({ ...at, UploadId, MultipartUpload: { Parts: parts } }))
    } catch (error) {
      // A retry after a lost answer finds no upload, because the upload is complete.
      if (!(error instanceof Error && error.name === 'NoSuchUpload')) throw error
    }
    const { ContentLength } = await client.send(new HeadObjectCommand(at))
    if (ContentLength !== sizeBytes) throw new Error(`${key}: ${ContentLength} of ${sizeBytes} bytes are stored`)
  } catch (error) {
    await client.send(new AbortMultipartUploadCommand({ ...at, UploadId })).catch(() => undefined)
    throw error
  }
}

/** Sends all parts, a few in parallel, from reused buffers. The first failure ends the upload. */
async function sendParts(
  { client, bucket }: Bucket,
  key: string,
  uploadId: string | undefined,
  file: FileHandle,
  sizeBytes: number,
): Promise<CompletedPart[]> {
  const partBytes = Math.min(maxPartBytes, Math.max(minPartBytes, Math.ceil(sizeBytes / 1000)))
  const count = Math.ceil(sizeBytes / partBytes)
  const parts: CompletedPart[] = []
  const failed = new AbortController()
  let next = 0
  const sendSome = async () => {
    const buffer = Buffer.allocUnsafe(partBytes)
    while (next < count && !failed.signal.aborted) {
      const index = next++
      const position = index * partBytes
      const body = buffer.subarray(0, Math.min(partBytes, sizeBytes - position))
      await fill(file, body, position)
      const { ETag } = await client.send(
        new UploadPartCommand({ Bucket: bucket, Key: key, UploadId: uploadId, PartNumber: index + 1, Body: body }),
        { abortSignal: failed.signal },
      )
      parts[index] = { PartNumber: index + 1, ETag }
    }
  }
  const sending = Array.from({ length: parallelParts }, () =>
    sendSome().catch((error) => {
      failed.abort(error)
      throw error
    }),
  )
  const results = await Promise.allSettled(sending)
  const fault = results.find(({ status }) => status === 'rejected')
  if (fault !== undefined) throw failed.signal.reason
  return parts
}

async function fill(file: FileHandle, buffer: Buffer, position: number): Promise<void> {
  for (let done = 0; done < buffer.length; ) {
    const { bytesRead } = await file.read(buffer, done, buffer.length - done, position + done)
    if (bytesRead === 0) throw new Error('the file was truncated while it was uploaded')
    done += bytesRead
  }
}

async function abortUploads({ client, bucket }: Bucket, key: string): Promise<void> {
  if (key === '') return
  const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: key }))
  for (const { Key, UploadId } of Uploads) {
    if (Key === key) await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }))
  }
}
