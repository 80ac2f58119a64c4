// What imports work with, and what they come to. Types only.
import type { PartialFile } from '../bytes/fetch/partial-file.ts'
import type { PartialFiles } from '../bytes/fetch/partial-files.ts'
import type { FileStore } from '../bytes/store/file-store.ts'
import type { Db } from '../db/open.ts'
import type { ImportProgress } from '../inventory/images/imports.ts'
import type { Logger } from '../lib/log.ts'
import type { Variant } from '../model/image.ts'

/** What imports work with. */
export type Intake = {
  db: Db
  store: FileStore
  partials: PartialFiles
  connector: Connector
  log: Logger
  /** Where recipes are read from, those of a later folder before those of an earlier one. */
  recipeFolders: string[]
  /** Mirrors by the names that recipes call them. */
  mirrors: Record<string, string>
  maxFileBytes: number
  /** A download is tried again after so long without a byte, milliseconds. */
  stallMs: number
  /** So is one that brings fewer bytes a second over that time. */
  minBytesPerSecond: number
  /** How long to wait after each try that brought nothing, milliseconds; after the last an import fails. */
  retriesMs: number[]
}

/** One import as it runs. */
export type Job = {
  id: string
  signal: AbortSignal
  /** Says what is being done. */
  report: (progress: ImportProgress) => void
  /** The partial files that it holds, by their keys; at its end they are let go. */
  openPartials: Map<string, PartialFile>
}

/** A file that is here: in the store, or whole in a partial file that `keep` has the store take over. */
export type FetchedFile = { sha256: string; name: string; sizeBytes: number; store: () => Promise<void> }

/** What an import comes to: an image whose files are here, and kept when it is saved. */
import type { Connector } from '../bytes/fetch/proxies.ts'
export type Outcome = {
  /** A name for the image, where the operator gave none. */
  name: string
  title: string
  source: string
  endOfLife?: string | undefined
  /** Booting it may write to the machine's disk; undefined where its maker does not tell. */
  installer?: boolean | undefined
  /** What the operator should know before booting it: sentences. */
  notes: string[]
  variants: Variant[]
  files: FetchedFile[]
}
