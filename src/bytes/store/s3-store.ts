// The file store in a bucket.
import { rm } from 'node:fs/promises'
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  paginateListObjectsV2,
  type S3Client,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { S3Settings } from '../../config/s3-settings.ts'
import type { FileStore } from './file-store.ts'
import { openIncoming } from './incoming.ts'
import { checkBucket, createS3Client, describeS3Error } from './s3-client.ts'
import { openUploader } from './s3-upload.ts'

/** One hour is enough: a machine starts its download immediately, and an installer that reads ranges requests a new URL each time. */
const urlSeconds = 3600
/** An interrupted body is resumed by another request for the missing bytes. */
const readAttempts = 4
/** Timeout of one request or read, including its retries. */
const timeoutMs = 60_000
const inTime = () => ({ abortSignal: AbortSignal.timeout(timeoutMs) })

/**
 * A store in a bucket, as `<prefix>ab/abcd…`. New files are written and hashed in a folder, then uploaded.
 * @throws ConfigError if the bucket cannot be read with these settings
 */
export async function openS3Store(
  settings: S3Settings,
  folders: { incoming: string; uploading: string },
): Promise<FileStore> {
  const { bucket, prefix, redirect } = settings
  const client = createS3Client(settings)
  await checkBucket(client, settings)
  const incoming = await openIncoming(folders.incoming)
  const uploader = await openUploader({ client, bucket }, folders.uploading)
  const where = (sha256: string) => ({ Bucket: bucket, Key: `${prefix}${sha256.slice(0, 2)}/${sha256}` })
  const pattern = /^([0-9a-f]{2})\/(\1[0-9a-f]{62})$/

  const find = (sha256: string) =>
    named(settings, async () => {
      const { Key } = where(sha256)
      const found = await client.send(new HeadObjectCommand(where(sha256)), inTime()).catch(undefinedWhenMissing)
      // A 404 for HEAD may also come from a proxy, or mean that the bucket is missing. Listing tells these errors apart.
      if (found === undefined)
        await client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: Key, MaxKeys: 1 }), inTime())
      return found
    })
  // A thousand machines that request the same file at once cause one request to the store.
  const finding = new Map<string, ReturnType<typeof find>>()
  const sharedFind = (sha256: string) => {
    const found = finding.get(sha256) ?? find(sha256).finally(() => finding.delete(sha256))
    finding.set(sha256, found)
    return found
  }
  const putFile = (sha256: string, path: string) =>
    named(settings, async () => {
      await uploader.upload(where(sha256).Key, path)
      await rm(path, { force: true })
    })

  return {
    putFile,
    size: async (sha256) => (await find(sha256))?.ContentLength,
    open: async (sha256) => {
      const { ContentLength: sizeBytes, LastModified, ETag } = (await sharedFind(sha256)) ?? {}
      if (sizeBytes === undefined) return undefined
      return {
        sizeBytes,
        generation: `${LastModified?.getTime()}-${ETag}`,
        read: (buffer, position) => {
          const target = buffer.subarray(0, Math.max(0, Math.min(buffer.length, sizeBytes - position)))
          return named(settings, () => readRange(client, where(sha256), target, position))
        },
        // Another reader may wait for the same bytes, so running reads continue.
        close: async () => undefined,
      }
    },
    put: (sha256, bytes, maxBytes) => incoming.receive(sha256, bytes, maxBytes, (path) => putFile(sha256, path)),
    list: async function* () {
      const pages = paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix })
      for (;;) {
        const page = await named(settings, () => pages.next())
        if (page.done) return
        const { Contents = [] } = page.value
        for (const { Key = '', Size = 0, LastModified = new Date(0) } of Contents) {
          const sha256 = pattern.exec(Key.slice(prefix.length))?.[2]
          if (sha256 !== undefined) yield { sha256, sizeBytes: Size, storedAt: LastModified }
        }
      }
    },
    remove: (sha256) =>
      named(settings, async () => {
        await client.send(new DeleteObjectCommand(where(sha256)), inTime())
      }),
    ...(redirect && {
      urlFor: (sha256: string, contentType: string) =>
        getSignedUrl(client, new GetObjectCommand({ ...where(sha256), ResponseContentType: contentType }), {
          expiresIn: urlSeconds,
        }),
    }),
  }
}

async function readRange(
  client: S3Client,
  where: { Bucket: string; Key: string },
  buffer: Buffer,
  position: number,
): Promise<number> {
  let done = 0
  const { abortSignal } = inTime()
  for (let attempt = 1; done < buffer.length; attempt++) {
    const first = position + done
    const Range = `bytes=${first}-${position + buffer.length - 1}`
    const { Body, ContentRange } = await client.send(new GetObjectCommand({ ...where, Range }), { abortSignal })
    const body = Body as AsyncIterable<Uint8Array>
    if (!ContentRange?.startsWith(`bytes ${first}-`))
      throw new Error(`${where.Key}: requested ${Range}, the store answered "${ContentRange}"`)
    try {
      for await (const chunk of body) {
        if (chunk.length > buffer.length - done)
          throw new Error(`${where.Key}: the store sent more bytes than requested`)
        buffer.set(chunk, done)
        done += chunk.length
      }
      if (done < buffer.length) throw new Error(`${where.Key}: the answer ended after ${position + done} bytes`)
    } catch (error) {
      if (attempt >= readAttempts || abortSignal.aborted) throw error
    }
  }
  return done
}

async function named<T>({ endpoint, bucket }: S3Settings, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw new Error(`object store ${endpoint}/${bucket}: ${describeS3Error(error)}`, { cause: error })
  }
}

function undefinedWhenMissing(error: unknown): undefined {
  const { name } = error as Error
  if (name === 'NotFound' || name === 'NoSuchKey') return undefined
  throw error
}
