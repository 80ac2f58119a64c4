import { mkdtemp, rm } from 'node:fs/promises'
import http from 'node:http'
import type { AddressInfo, ListenOptions } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { createAdaptorServer } from '@hono/node-server'
import { createNowBoard } from '../../src/api/boots/now-board.ts'
import { createAdminApp } from '../../src/api/routes.ts'
import type { PartialFiles } from '../../src/bytes/fetch/partial-files.ts'
import { createProgram } from '../../src/cli/program.ts'
import { dataFolder } from '../../src/config/data-folder.ts'
import { createFileChecks } from '../../src/files/check.ts'
import { openIntake } from '../../src/intake/open-intake.ts'
import { createChangeFeed } from '../../src/inventory/changes/feed.ts'
import { messageOf } from '../../src/lib/errors.ts'
import { startPower, usualPowerTimes } from '../../src/power/run-power.ts'
import { loadServerId } from '../../src/server/data/server-id.ts'
import { startTestBootServer, type TestBootServer } from './boot-server.ts'
import { createTestDoctor } from './doctor.ts'
import { quietSources } from './now.ts'
import { signInDeps } from './people.ts'
import { swiftRedfish } from './redfish.ts'
import { serverFacts } from './server-facts.ts'

export type Result = { exitCode: number; out: string; err: string }

export type Operator = {
  /** The data folder, with the admin socket in it. */
  folder: string
  boot: TestBootServer
  /** The incomplete uploads and downloads. */
  partials: PartialFiles
  /** The URL of the admin listener that requires a token. */
  adminUrl: string
  /** Runs a command line as main.ts does. */
  run: (...argv: string[]) => Promise<Result>
  /** The same, with a text on standard input. */
  runWith: (stdin: string, ...argv: string[]) => Promise<Result>
  stop: () => Promise<void>
}

/** Starts an operator's shell beside a running server: a boot listener, and the admin API on a socket and a loopback port. */
export async function startOperator(settings: { maxFileBytes?: number } = {}): Promise<Operator> {
  const folder = await mkdtemp(join(tmpdir(), 'bootwright-cli-'))
  const boot = await startTestBootServer()
  const { db, inventory, nbps, findStoredSize, scripts, store, log, databaseAnswers, sealer } = boot.deps
  const feed = createChangeFeed(db, log)
  const maxFileBytes = settings.maxFileBytes ?? 2 ** 30
  const proxies = { httpProxy: '', httpsProxy: '', noProxy: '' }
  const importing = { maxConcurrent: 2, stallSeconds: 1, keepPartsDays: 1, mirrors: {} }
  const data = dataFolder(folder)
  const intake = await openIntake(
    { server: await loadServerId(data.serverId), folder: data, maxFileBytes, ...proxies, ...importing },
    { db, store, log },
    { lookEveryMs: 200, progressEveryMs: 20, retriesMs: [10, 10] },
  )
  const power = startPower(
    { db, sealer, log, bmcSubnets: ['127.0.0.0/8'], times: swiftRedfish },
    { ...usualPowerTimes, lookEveryMs: 100, atOnce: 2 },
  )
  const doctor = createTestDoctor({ db, inventory, findStoredSize, scripts, log }, folder)
  const live = { ...quietSources(), downloads: boot.deps.transfers.running.list }
  const now = createNowBoard({ db, doctor, live, log })
  const common = {
    db,
    store,
    checks: createFileChecks({ db, store, log }),
    log,
    metrics: boot.deps.metrics,
    signIn: signInDeps(db),
    adminUrl: () => 'http://192.0.2.1:8081',
    isTrustedProxy: () => false,
    mayScrape: () => false,
    databaseAnswers,
    databaseIsShort: () => false,
    databaseFault: async () => undefined,
    inventory,
    nbps,
    network: {
      baseUrl: undefined,
      boot: { address: '0.0.0.0', port: 8080 },
      tftpPort: 69,
      ownAddresses: () => ['192.0.2.1'],
    },
    server: serverFacts(),
    findStoredSize,
    scripts,
    settings: boot.deps.settings,
    sealer,
    doctor,
    feed,
    now,
    bootUrl: 'http://192.0.2.1:8080',
    maxFileBytes,
    intake,
    power,
  }
  const serve = async (trusted: boolean, where: ListenOptions) => {
    const server = createAdaptorServer({ fetch: createAdminApp({ ...common, trusted }).fetch }) as http.Server
    await new Promise<void>((resolve) => server.listen(where, resolve))
    return server
  }
  const socket = await serve(true, { path: join(folder, 'admin.sock') })
  const tcp = await serve(false, { host: '127.0.0.1', port: 0 })
  return {
    folder,
    boot,
    partials: intake.partials,
    adminUrl: `http://127.0.0.1:${(tcp.address() as AddressInfo).port}`,
    run: (...argv) => run({ BOOTWRIGHT_DATA_DIR: folder }, argv),
    runWith: (stdin, ...argv) => run({ BOOTWRIGHT_DATA_DIR: folder }, argv, undefined, Readable.from([stdin])),
    stop: async () => {
      feed.stop()
      now.stop()
      await intake.stop()
      await power.stop()
      for (const server of [socket, tcp]) {
        server.closeAllConnections()
        await new Promise((resolve) => server.close(resolve))
      }
      await boot.stop()
      await rm(folder, { recursive: true })
    },
  }
}

/** Runs a command line in an environment of its own. A stalled download is retried twice. */
export async function run(
  env: Record<string, string>,
  argv: string[],
  serve = async () => {},
  stdin?: Readable,
): Promise<Result> {
  let out = ''
  let err = ''
  const program = createProgram({
    serve,
    env,
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
    stallMs: 300,
    retriesMs: [10, 20],
    pollMs: 50,
    stdin,
  })
  const exitCode = await program.parseAsync(argv, { from: 'user' }).then(
    () => 0,
    (error: unknown) => {
      const { exitCode: code } = error as { exitCode?: number }
      if (code === undefined) err += `bootwright: ${messageOf(error)}\n`
      return code === undefined ? 1 : code === 0 ? 0 : 2
    },
  )
  return { exitCode, out, err }
}

/** Starts an HTTP server for downloads on a loopback port. */
export async function startWeb(answer: http.RequestListener): Promise<{ url: string; stop: () => Promise<void> }> {
  const server = http.createServer(answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
