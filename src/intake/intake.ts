// The types of imports: their dependencies, jobs and outcomes.
import type { PartialFile } from '../bytes/fetch/partial-file.ts'
import type { PartialFiles } from '../bytes/fetch/partial-files.ts'
import type { Connector } from '../bytes/fetch/proxies.ts'
import type { FileStore } from '../bytes/store/file-store.ts'
import type { Db } from '../db/open.ts'
import type { ImportProgress } from '../inventory/images/imports.ts'
import type { Logger } from '../lib/log.ts'
import type { Variant } from '../model/image.ts'
import type { Recipes } from './recipes.ts'

/** The dependencies of imports. */
export type Intake = {
  db: Db
  store: FileStore
  partials: PartialFiles
  connector: Connector
  log: Logger
  /** Loads all recipes: those that ship with the program, those of the data folder and those of the database. In a transaction, `db` must be the transaction: the embedded database has one connection. */
  loadRecipes: (db: Db) => Promise<Recipes>
  /** Mirrors by their names in recipes. */
  mirrors: Record<string, string>
  maxFileBytes: number
  /** Milliseconds without data after which a download is retried. */
  stallMs: number
  /** Minimum bytes per second over that time; a slower download is retried too. */
  minBytesPerSecond: number
  /** Milliseconds to wait after each attempt without progress. After the last one the import fails. */
  retriesMs: number[]
}

/** A running import. */
export type Job = {
  id: string
  signal: AbortSignal
  /** Reports the current step and its progress. */
  report: (progress: ImportProgress) => void
  /** The partial files that the import has open, by key. They are closed at its end. */
  openPartials: Map<string, PartialFile>
}

/** A fetched file: it is in the store, or complete in a partial file that `store()` moves into the store. */
export type FetchedFile = { sha256: string; name: string; sizeBytes: number; store: () => Promise<void> }

/** The result of an import: an image with its fetched files. */
export type Outcome = {
  /** The name of the image if the operator chose none. */
  name: string
  /** Undefined to keep the title of the image; a new image is called by its name. */
  title: string | undefined
  source: string
  /** The recipe, and the version that it found upstream. */
  recipe?: { name: string; version: string | undefined } | undefined
  endOfLife?: string | undefined
  /** Whether a boot may write to the machine's disk; undefined if unknown. */
  installer?: boolean | undefined
  /** Notes to read before booting the image, in whole sentences. */
  notes: string[]
  variants: Variant[]
  files: FetchedFile[]
}
