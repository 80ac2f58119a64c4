import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pino } from 'pino'
import { createNowBoard } from '../../src/api/boots/now-board.ts'
import { type AdminDeps, createAdminApp } from '../../src/api/routes.ts'
import { openPartialFiles } from '../../src/bytes/fetch/partial-files.ts'
import { openFolderStore } from '../../src/bytes/store/folder-store.ts'
import { filesFolder } from '../../src/config/data-folder.ts'
import type { Db } from '../../src/db/open.ts'
import { createFileChecks } from '../../src/files/check.ts'
import { createFindStoredSize } from '../../src/files/stored-sizes.ts'
import { loadRecipes, shippedRecipes } from '../../src/intake/recipes.ts'
import { createChangeFeed } from '../../src/inventory/changes/feed.ts'
import { saveFile } from '../../src/inventory/images/files.ts'
import { listRecipeTexts } from '../../src/inventory/images/recipes.ts'
import { openInventory } from '../../src/inventory/open.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { createSealer } from '../../src/lib/seal.ts'
import type { FileRef } from '../../src/model/image.ts'
import { createScripts } from '../../src/render/scripts.ts'
import { readTemplates } from '../../src/server/templates.ts'
import { createTestDoctor } from './doctor.ts'
import { newTestFiles } from './journal.ts'
import { quietSources } from './now.ts'
import { signInDeps } from './people.ts'
import { serverFacts } from './server-facts.ts'

/** An admin API over a database and a store in a folder of its own. */
export type Api = {
  deps: AdminDeps
  folder: string
  app: ReturnType<typeof createAdminApp>
  /** Sends a request with a JSON body. The response's body is parsed if it is JSON, and is text otherwise. */
  ask: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Reply>
  /** All log lines. */
  logged: string[]
  remove: () => Promise<void>
}

// biome-ignore lint/suspicious/noExplicitAny: tests read any field of a response
export type Reply = { status: number; type: string; headers: Headers; body: any }

/** Opens an admin API. `change` replaces some of its dependencies. */
export async function openApi(db: Db, change: Partial<AdminDeps> = {}): Promise<Api> {
  const folder = await mkdtemp(join(tmpdir(), 'bootwright-api-'))
  const logged: string[] = []
  const store = change.store ?? (await openFolderStore(filesFolder(folder)))
  const log = pino({ base: null }, { write: (line) => logged.push(line) })
  const journal = newTestFiles()
  const inventory = openInventory(db, log, journal.files, { roster: { waitMs: 5000 } })
  const findStoredSize = createFindStoredSize(store, { keptMs: 1 })
  const scripts = createScripts(readTemplates())
  const doctor = createTestDoctor({ db, inventory, findStoredSize, scripts, log }, folder)
  const deps: AdminDeps = {
    db,
    inventory,
    findStoredSize,
    scripts,
    settings: { afterRefusal: 'retry' },
    feed: createChangeFeed(db, pino({ level: 'silent' })),
    intake: {
      server: 'test',
      loadRecipes: async (on) => loadRecipes([shippedRecipes], await listRecipeTexts(on)),
      partials: await openPartialFiles(join(folder, 'incoming-parts'), { maxBytes: 2 ** 30 }),
      wake: () => {},
      newestVersion: async () => undefined,
    },
    power: { wake: () => {} },
    sealer: createSealer(Buffer.alloc(32, 1)),
    doctor,
    now: createNowBoard({ db, doctor, live: quietSources(), log }),
    store,
    checks: createFileChecks({ db, store, log }),
    log,
    metrics: createMetrics(),
    signIn: signInDeps(db),
    adminUrl: () => 'http://192.0.2.1:8081',
    mayScrape: () => false,
    isTrustedProxy: () => false,
    maxFileBytes: 128 * 2 ** 20,
    bootUrl: 'http://192.0.2.1:8080',
    nbps: new Map(['undionly.kpxe', 'ipxe.efi', 'snponly.efi', 'ipxe-arm64.efi'].map((name) => [name, { name }])),
    network: {
      baseUrl: undefined,
      boot: { address: '0.0.0.0', port: 8080 },
      tftpPort: 69,
      ownAddresses: () => ['192.0.2.1'],
    },
    server: serverFacts(),
    databaseAnswers: async () => true,
    databaseIsShort: () => false,
    databaseFault: async () => undefined,
    trusted: true,
    ...change,
  }
  const app = createAdminApp(deps)
  return {
    deps,
    folder,
    app,
    ask: createAsk(deps, app),
    logged,
    remove: async () => {
      await inventory.close()
      await journal.remove()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Sends requests to an admin API with these dependencies. */
export function createAsk(deps: AdminDeps, app = createAdminApp(deps)): Api['ask'] {
  return async (method, path, body, headers = {}) => {
    const json = body !== undefined && {
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json', ...headers },
    }
    const response = await app.request(path, { method, headers, ...json })
    const text = await response.text()
    const type = response.headers.get('content-type') ?? ''
    return {
      status: response.status,
      type,
      headers: response.headers,
      body: /json/.test(type) ? JSON.parse(text) : text,
    }
  }
}

/** Stores a text as an image's file. */
export async function addFile({ deps }: Api, name: string, text: string): Promise<FileRef> {
  const sha256 = createHash('sha256').update(text).digest('hex')
  const sizeBytes = Buffer.byteLength(text)
  await deps.store.put(sha256, Readable.from([Buffer.from(text)]), sizeBytes)
  await saveFile(deps.db, { sha256, name, sizeBytes })
  return { sha256, name }
}
