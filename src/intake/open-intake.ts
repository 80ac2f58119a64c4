// Opens the dependencies of imports, and starts the import runner.
import { patientRetriesMs } from '../bytes/fetch/download.ts'
import { defaultMinBytesPerSecond } from '../bytes/fetch/http-get.ts'
import { openPartialFiles, type PartialFiles } from '../bytes/fetch/partial-files.ts'
import { openConnector, type Proxies } from '../bytes/fetch/proxies.ts'
import type { FileStore } from '../bytes/store/file-store.ts'
import type { DataFolder, FilesFolder } from '../config/data-folder.ts'
import type { Db } from '../db/open.ts'
import { listRecipeTexts } from '../inventory/images/recipes.ts'
import type { Logger } from '../lib/log.ts'
import { findNewestVersion } from './newest-version.ts'
import { loadRecipes, type Recipes, shippedRecipes } from './recipes.ts'
import { type ImportTimes, startImports, usualImportTimes } from './run-imports.ts'

export type IntakeSettings = Proxies & {
  /** The id of this server. */
  server: string
  folder: Pick<DataFolder, 'recipes'> & { files: Pick<FilesFolder, 'incomingParts'> }
  maxFileBytes: number
  maxConcurrent: number
  stallSeconds: number
  minBytesPerSecond?: number
  keepPartsDays: number
  mirrors: Record<string, string>
}

/** The open intake. `stop` interrupts running imports; they resume at the next start. */
export type OpenIntake = {
  server: string
  loadRecipes: (db: Db) => Promise<Recipes>
  partials: PartialFiles
  wake: () => void
  /** Asks the mirror of a recipe for its newest version; undefined if the recipe has no versions. */
  newestVersion: (recipe: string, db: Db) => Promise<string | undefined>
  stop: () => Promise<void>
}

// Partial files take at most the space of this many files of maximum size.
const maxPartials = 4

/** A person waits for the answer. */
const checkMs = 20_000

/** Opens the partial files in the data folder, and runs waiting imports. */
export async function openIntake(
  settings: IntakeSettings,
  { db, store, log }: { db: Db; store: FileStore; log: Logger },
  times: Partial<ImportTimes> & { retriesMs?: number[] } = {},
): Promise<OpenIntake> {
  const { server, folder, maxFileBytes, maxConcurrent, stallSeconds, keepPartsDays, mirrors } = settings
  const loadAll = async (on: Db) => loadRecipes([shippedRecipes, folder.recipes], await listRecipeTexts(on))
  const partials = await openPartialFiles(folder.files.incomingParts, { maxBytes: maxPartials * maxFileBytes })
  const connector = openConnector(settings)
  const { retriesMs = patientRetriesMs } = times
  const stallMs = stallSeconds * 1000
  const { minBytesPerSecond = defaultMinBytesPerSecond } = settings
  const pace = { stallMs, minBytesPerSecond, retriesMs }
  const intake = { db, store, partials, connector, log, loadRecipes: loadAll, mirrors, maxFileBytes, ...pace }
  const { wake, stop } = startImports(intake, server, {
    ...usualImportTimes,
    atOnce: maxConcurrent,
    keepPartsDays,
    ...times,
  })
  return {
    server,
    loadRecipes: loadAll,
    partials,
    wake,
    newestVersion: (recipe, on) => findNewestVersion({ ...intake, db: on }, recipe, AbortSignal.timeout(checkMs)),
    stop: async () => {
      await stop()
      connector.close()
    },
  }
}
