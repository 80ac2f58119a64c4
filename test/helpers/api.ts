import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { type AdminDeps, createAdminApp } from '../../src/api/routes.ts'
import { openPartialFiles } from '../../src/bytes/fetch/partial-files.ts'
import { openFolderStore } from '../../src/bytes/store/folder-store.ts'
import type { Db } from '../../src/db/open.ts'
import { decide } from '../../src/decide/decision.ts'
import { createFileChecks } from '../../src/files/check.ts'
import { shippedRecipes } from '../../src/intake/recipes.ts'
import { createFindSituation } from '../../src/inventory/boots/situation.ts'
import { createChangeFeed } from '../../src/inventory/changes/feed.ts'
import { createSealer } from '../../src/lib/seal.ts'

/** An admin API over a database and a store in a folder of its own. */
export type Api = {
  deps: AdminDeps
  folder: string
  app: ReturnType<typeof createAdminApp>
  /** One request with a JSON body; the answer's body parsed when it is JSON, else its text. */
  ask: (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<Reply>
  /** Everything that was logged. */
  logged: string[]
  remove: () => Promise<void>
}

// biome-ignore lint/suspicious/noExplicitAny: a test looks into answers as they are
export type Reply = { status: number; type: string; headers: Headers; body: any }

/** Opens it; `change` replaces some of what it works with. Its previews' script is the decision's kind and the base URL. */
export async function openApi(db: Db, change: Partial<AdminDeps> = {}): Promise<Api> {
  const folder = await mkdtemp(join(tmpdir(), 'bootwright-api-'))
  const logged: string[] = []
  const findSituation = createFindSituation(db)
  const store = change.store ?? (await openFolderStore(folder))
  const log = pino({ base: null }, { write: (line) => logged.push(line) })
  const deps: AdminDeps = {
    db,
    findSituation,
    feed: createChangeFeed(db, pino({ level: 'silent' })),
    intake: {
      server: 'test',
      recipeFolders: [shippedRecipes],
      partials: await openPartialFiles(join(folder, 'incoming-parts'), { mostBytes: 2 ** 30 }),
      wake: () => {},
    },
    sealer: createSealer(Buffer.alloc(32, 1)),
    store,
    checks: createFileChecks({ db, store, log }),
    log,
    maxFileBytes: 128 * 2 ** 20,
    bootUrl: 'http://192.0.2.1:8080',
    databaseAnswers: async () => true,
    databaseIsShort: () => false,
    databaseFault: async () => undefined,
    preview: async (facts, baseUrl, supposed) => {
      const decision = decide(await findSituation(facts, supposed))
      return { script: `#!ipxe\n# ${decision.spec.kind} ${baseUrl ?? ''}\n`, decision }
    },
    trusted: true,
    ...change,
  }
  const app = createAdminApp(deps)
  const ask: Api['ask'] = async (method, path, body, headers = {}) => {
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
  return { deps, folder, app, ask, logged, remove: () => rm(folder, { recursive: true, force: true }) }
}
