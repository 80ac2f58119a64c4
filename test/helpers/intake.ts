import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import type { FileStore } from '../../src/bytes/store/file-store.ts'
import { openFolderStore } from '../../src/bytes/store/folder-store.ts'
import { dataFolder } from '../../src/config/data-folder.ts'
import type { Db } from '../../src/db/open.ts'
import { type IntakeSettings, type OpenIntake, openIntake } from '../../src/intake/open-intake.ts'
import { createImport, findImport, type Import } from '../../src/inventory/images/imports.ts'
import type { ImportPlan } from '../../src/model/image.ts'
import { loadServerId } from '../../src/server/data/server-id.ts'

export type TestIntake = {
  dataDir: string
  store: FileStore
  intake: OpenIntake
  /** Creates an import and waits for its end. */
  run: (plan: ImportPlan, image?: string) => Promise<Import>
  ask: (plan: ImportPlan, image?: string) => Promise<Import>
  ended: (id: string) => Promise<Import>
  /** The files in the folder of incomplete downloads and uploads. */
  parts: () => Promise<string[]>
  /** Stops the intake, and opens it again on the same folder. */
  restart: () => Promise<void>
  stop: () => Promise<void>
}

/** Opens the intake of a server with a data folder of its own and short timeouts. */
export async function openTestIntake(
  db: Db,
  { dataDir: given, ...settings }: Partial<IntakeSettings> & { dataDir?: string } = {},
): Promise<TestIntake> {
  const dataDir = given ?? (await mkdtemp(join(tmpdir(), 'bootwright-intake-')))
  const folder = dataFolder(dataDir)
  const store = await openFolderStore(folder.files)
  const proxies = { httpProxy: '', httpsProxy: '', noProxy: '' }
  const usual = { maxFileBytes: 2 ** 30, maxConcurrent: 2, stallSeconds: 1, keepPartsDays: 1, mirrors: {} }
  const times = { lookEveryMs: 100, progressEveryMs: 20, retriesMs: [5, 5, 5] }
  const open = async () =>
    openIntake(
      { server: await loadServerId(folder.serverId), folder, ...proxies, ...usual, ...settings },
      { db, store, log: pino({ level: 'silent' }) },
      times,
    )
  let intake = await open()
  const ask: TestIntake['ask'] = async (plan, image) => {
    const made = await createImport(db, { image, plan, server: intake.server }, 'test')
    intake.wake()
    return made
  }
  const ended: TestIntake['ended'] = async (id) => {
    for (let tries = 0; tries < 600; tries++) {
      const current = await findImport(db, id)
      if (current?.endedAt) return current
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error(`import ${id} did not end within 30 s`)
  }
  return {
    dataDir,
    store,
    get intake() {
      return intake
    },
    ask,
    ended,
    run: async (plan, image) => ended((await ask(plan, image)).id),
    parts: () => readdir(folder.files.incomingParts),
    restart: async () => {
      await intake.stop()
      intake = await open()
    },
    stop: async () => {
      await intake.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}
