// Uploads whose hash is not known before their last byte: a browser cannot hash 10 GB before it sends them.
import { z } from 'zod'
import type { PartialFile } from '../bytes/fetch/partial-file.ts'
import type { FoundPartial, PartialFiles } from '../bytes/fetch/partial-files.ts'
import type { Actor } from '../inventory/changes/changes.ts'
import { ConflictError, NotFoundError } from '../lib/errors.ts'
import { newId } from '../lib/ids/uuid.ts'
import { type FileDeps, fromPartial, keepFile } from './keep.ts'

/** What a client uploads. `modifiedAt` tells two files with the same name and size apart. */
export type NewUpload = { name: string; sizeBytes: number; modifiedAt?: Date | undefined }

/** An upload. `sha256` is that of the stored file, once all bytes have arrived. */
export type FileUpload = NewUpload & { id: string; createdAt: Date; receivedBytes: number; sha256?: string | undefined }

/** The notes beside the received bytes. They survive a restart, and are pruned together with the bytes. */
const notesSchema = z.object({
  name: z.string(),
  sizeBytes: z.number(),
  modifiedAt: z.coerce.date().optional(),
  createdAt: z.coerce.date(),
  actor: z.string(),
  sha256: z.string().optional(),
})
type Notes = z.output<typeof notesSchema>

type UploadDeps = { partials: PartialFiles }

const prefix = 'unhashed-'
const maxUnfinished = 50

/** The key of the received bytes of an upload. */
export function uploadKey(id: string): string {
  return `${prefix}${id}`
}

/**
 * Begins an upload, or finds the unfinished one of the same file by the same actor, so that a client that lost the id resumes it.
 * @throws ConflictError if the actor has too many unfinished uploads; DiskFullError
 */
export async function beginUpload(
  { partials }: UploadDeps,
  file: NewUpload,
  by: Actor,
): Promise<{ upload: FileUpload; created: boolean }> {
  const unfinished = await listUploads({ partials }, by)
  const same = unfinished.find((upload) => isSameFile(upload, file))
  if (same !== undefined) {
    await partials.requireRoom(file.sizeBytes - same.receivedBytes)
    return { upload: same, created: false }
  }
  if (unfinished.length >= maxUnfinished)
    throw new ConflictError(
      `${maxUnfinished} uploads of ${by} are unfinished. Next step: finish them, or delete them with DELETE /uploads/ID`,
    )
  await partials.requireRoom(file.sizeBytes)
  const id = newId()
  const notes: Notes = { ...file, createdAt: new Date(), actor: by }
  const partial = await partials.open(uploadKey(id), { totalBytes: file.sizeBytes })
  try {
    await partial.remember(notes)
  } finally {
    await partial.close()
  }
  return { upload: uploadOf({ key: uploadKey(id), sizeBytes: 0, about: notes }, notes), created: true }
}

/** The unfinished uploads of an actor, the one that grew last first. */
export async function listUploads({ partials }: UploadDeps, by: Actor): Promise<FileUpload[]> {
  const found = await partials.list(prefix)
  return found
    .flatMap((partial) => {
      const notes = notesOf(partial.about)
      return notes === undefined || notes.actor !== by || notes.sha256 !== undefined ? [] : [uploadOf(partial, notes)]
    })
    .reverse()
}

/** An upload of this actor, also for some time after its end. @throws NotFoundError */
export async function requireUpload({ partials }: UploadDeps, id: string, by: Actor): Promise<FileUpload> {
  const partial = await partials.find(uploadKey(id))
  const notes = notesOf(partial?.about)
  if (partial === undefined || notes === undefined || notes.actor !== by)
    throw new NotFoundError(`there is no upload ${id}`)
  return uploadOf(partial, notes)
}

/** The hash of an upload that another request has finished. @throws NotFoundError if another request has deleted the upload */
export function finishedHash(id: string, partial: PartialFile): string | undefined {
  const notes = notesOf(partial.about())
  if (notes === undefined) throw new NotFoundError(`there is no upload ${id}`)
  return notes.sha256
}

/** Stores the complete bytes of an upload under their hash, and notes it for clients that lost the answer. */
export async function finishUpload(
  deps: FileDeps,
  { name }: FileUpload,
  partial: PartialFile,
): Promise<{ sha256: string; created: boolean }> {
  const sha256 = await partial.digest('sha256')
  const about = partial.about()
  const { created, written } = await keepFile(deps, { sha256, name }, fromPartial(sha256, partial))
  if (!written) await partial.truncate(0)
  await partial.remember({ ...(about as Notes), sha256 })
  return { sha256, created }
}

/** Deletes an upload with its bytes. A request that is sending them is disconnected. @throws NotFoundError */
export async function deleteUpload({ partials }: UploadDeps, id: string, by: Actor): Promise<void> {
  await requireUpload({ partials }, id, by)
  const partial = await partials.open(uploadKey(id), { leave: () => {} })
  await partials.remove(uploadKey(id))
  await partial.close()
}

function isSameFile(upload: FileUpload, { name, sizeBytes, modifiedAt }: NewUpload): boolean {
  return (
    upload.name === name && upload.sizeBytes === sizeBytes && upload.modifiedAt?.getTime() === modifiedAt?.getTime()
  )
}

function notesOf(about: unknown): Notes | undefined {
  return notesSchema.safeParse(about).data
}

function uploadOf({ key, sizeBytes: received }: FoundPartial, { actor: _, ...notes }: Notes): FileUpload {
  const receivedBytes = notes.sha256 === undefined ? received : notes.sizeBytes
  return { id: key.slice(prefix.length), ...notes, receivedBytes }
}
