import { createHash } from 'node:crypto'
import { mkdtemp, rm, utimes } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'drizzle-orm'
import { pino } from 'pino'
import { openFolderStore } from '../../src/bytes/store/folder-store.ts'
import { filesFolder } from '../../src/config/data-folder.ts'
import type { Db } from '../../src/db/open.ts'
import type { MaintenanceDeps } from '../../src/files/check.ts'
import { saveFile } from '../../src/inventory/images/files.ts'
import type { FileRef } from '../../src/model/image.ts'

/** A store in a folder of its own, with files. */
export type Stored = {
  deps: MaintenanceDeps
  logged: string[]
  /** Stores text or bytes, and records the file. */
  add: (name: string, bytes: string | Buffer) => Promise<FileRef>
  pathOf: (file: { sha256: string }) => string
  /** Ages files by a number of hours, in the inventory and in the store. */
  age: (hours: number, ...files: { sha256: string }[]) => Promise<void>
  remove: () => Promise<void>
}

export async function openStored(db: Db): Promise<Stored> {
  const folder = await mkdtemp(join(tmpdir(), 'bootwright-care-'))
  const logged: string[] = []
  const log = pino({ base: null }, { write: (line) => logged.push(line) })
  const store = await openFolderStore(filesFolder(folder))
  const pathOf = ({ sha256 }: { sha256: string }) => join(folder, sha256.slice(0, 2), sha256)
  return {
    deps: { db, store, log },
    logged,
    pathOf,
    add: async (name, content) => {
      const bytes = Buffer.from(content)
      const sha256 = createHash('sha256').update(bytes).digest('hex')
      const { sizeBytes } = await store.put(
        sha256,
        (async function* () {
          yield bytes
        })(),
        bytes.length,
      )
      await saveFile(db, { sha256, name, sizeBytes }, store.size)
      return { sha256, name }
    },
    age: async (hours, ...files) => {
      const then = new Date(Date.now() - hours * 3_600_000)
      for (const file of files) {
        await utimes(pathOf(file), then, then)
        await db.execute(
          sql`update files set created_at = created_at - ${hours} * interval '1 hour' where sha256 = ${file.sha256}`,
        )
      }
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
