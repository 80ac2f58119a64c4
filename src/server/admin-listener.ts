// Admin HTTP. It listens on an address for operators and programs with a token, and on a socket in the data folder.
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { createNowBoard } from '../api/boots/now-board.ts'
import { type AdminDeps, createAdminApp } from '../api/routes.ts'
import type { ProxySwitch } from '../api/system/server-facts.ts'
import { createSignInDeps } from '../auth/sign-in-deps.ts'
import type { Config } from '../config/config.ts'
import type { Doctor } from '../doctor/doctor.ts'
import { createChangeFeed } from '../inventory/changes/feed.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { ownAddresses } from '../lib/net/own-addresses.ts'
import { proxyTest } from '../lib/subnet.ts'
import { type BootListener, bootUrlOf } from './boot-listener.ts'
import type { Closers } from './closers.ts'
import type { Data } from './data/data.ts'
import { createAdminFetch } from './http/admin-app.ts'
import { type ConnectionLimits, serveBounded } from './http/connections.ts'
import { listen, listenOnSocket, reachableAddress } from './http/listen.ts'
import { createTurns } from './http/turns.ts'
import type { Jobs } from './jobs.ts'
import type { SentBytes } from './throughput.ts'
import { openUi } from './ui.ts'

export async function openAdminListener(
  config: Config,
  data: Data,
  jobs: Jobs,
  boot: BootListener & {
    doctor: Doctor
    tftp: { port: number; addresses: string[] } | undefined
    proxyDhcp: ProxySwitch
    sentBytes: SentBytes
  },
  limits: ConnectionLimits,
  log: Logger,
  metrics: Metrics,
  closers: Closers,
): Promise<AddressInfo> {
  const { db, shared, inventory, nbps, sealer, health, socketPath } = data
  const { findStoredSize, scripts, settings } = boot.deps
  const bootUrl = bootUrlOf(config, boot)
  const feed = createChangeFeed(db, log)
  const { boot: sentByBoot, tftp: sentByTftp } = boot.sentBytes
  const live = {
    downloads: boot.deps.transfers.running.list,
    throughput: { boot: sentByBoot.chart, tftp: sentByTftp.chart },
  }
  const now = createNowBoard({ db, doctor: boot.doctor, live, log })
  const deps: Omit<AdminDeps, 'trusted'> = {
    db,
    store: shared,
    ...jobs,
    log,
    metrics,
    signIn: createSignInDeps({ db, log, metrics, sessions: config.sessions }),
    adminUrl: () => adminUrlOf(config, address),
    mayScrape: proxyTest(config.metrics.subnets),
    isTrustedProxy: proxyTest(config.boot.trustedProxies),
    sealer,
    doctor: boot.doctor,
    feed,
    now,
    ...{ inventory, findStoredSize, scripts, settings },
    ...{ bootUrl, nbps },
    network: {
      baseUrl: config.boot.baseUrl,
      boot: boot.address,
      tftpPort: boot.tftp?.port,
      ownAddresses,
    },
    server: {
      startedAt: new Date(),
      siteName: config.site.name,
      database: config.database.url === undefined ? 'embedded' : 'PostgreSQL',
      tftpListening: boot.tftp?.addresses.join(', '),
      settings: config.listed,
      proxyDhcp: boot.proxyDhcp,
    },
    maxFileBytes: config.files.maxBytes,
    ...health,
  }
  const api = createAdminApp({ ...deps, trusted: false })
  const ui = openUi(config, deps.signIn, sealer, (request, env) => api.fetch(request, env), log, metrics)
  const { url: adminUrl, hosts } = config.admin
  const app = createAdminFetch({ api, ...ui, adminUrl, hosts, log, metrics })
  const inTurn = createTurns(turnLimits)
  const server = adminServer((request, env) => inTurn(peerOf(env), async () => app(request, env)), limits)
  const address: AddressInfo = await listen(server, config.admin.listen, 'BOOTWRIGHT_ADMIN_LISTEN', closers)
  if (socketPath === undefined)
    log.warn(
      'the path of the data folder is too long for a Unix socket, so the command line needs BOOTWRIGHT_URL and BOOTWRIGHT_TOKEN',
    )
  else await listenOnSocket(adminServer(createAdminApp({ ...deps, trusted: true }).fetch, limits), socketPath, closers)
  // The feeds stop before the listeners close, because clients that follow them would hold their connections open.
  closers.add(async () => feed.stop())
  closers.add(async () => now.stop())
  return address
}

/** The URL at which people reach the page: that of the settings, or that of the listener on this computer. */
export function adminUrlOf(config: Config, address: AddressInfo): string {
  return config.admin.url ?? `http://${reachableAddress(address)}`
}

/** Boots share the processor and the embedded database with people and programs. */
const turnLimits = { maxAtOnce: 8, maxTurnMs: 100 }

function peerOf(env: object | undefined): string {
  return (env as { incoming?: http.IncomingMessage } | undefined)?.incoming?.socket.remoteAddress ?? ''
}

type AdminFetch = (request: Request, env?: object) => Response | Promise<Response>

function adminServer(fetch: AdminFetch, limits: ConnectionLimits): http.Server {
  const server = http.createServer()
  serveBounded(
    server,
    getRequestListener((request, env) => fetch(request, env)),
    limits,
  )
  // An upload may take hours, but its header has a timeout, and so has each pause.
  server.requestTimeout = 0
  server.headersTimeout = 20_000
  server.timeout = 120_000
  return server
}
