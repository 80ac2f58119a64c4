import { Hono } from 'hono'
import type { AfterRefusal } from '../config/settings.ts'
import type { Db } from '../db/open.ts'
import type { FindSize } from '../decide/damage.ts'
import type { Nbps } from '../files/nbps.ts'
import type { OpenBoot } from '../inventory/boots/boots.ts'
import type { BootEventRecorder } from '../inventory/boots/events.ts'
import type { RecordReport } from '../inventory/boots/reports.ts'
import type { FindSituation } from '../inventory/boots/situation.ts'
import type { FindTreeFile } from '../inventory/images/trees.ts'
import { findHealth } from '../inventory/system/health.ts'
import { InputError, messageOf } from '../lib/errors.ts'
import type { Sealer } from '../lib/seal.ts'
import { proxyTest } from '../lib/subnet.ts'
import type { Scripts } from '../render/scripts.ts'
import { serveAnswer } from './answer-files.ts'
import { serveBootConfig } from './boot-config.ts'
import { type FileDeps, serveFile } from './files.ts'
import { clientAddressOf } from './http/client-address.ts'
import { createFairTurns } from './http/fair-turns.ts'
import { addressOf, type BootContext, type BootEnv, baseUrlOf, isIpxe, peerOf } from './http/request.ts'
import { serveChoice } from './menus.ts'
import { serveNbp } from './nbps.ts'
import { emptyPreseed } from './preseed.ts'
import { takeReport } from './reports.ts'
import { serveSan } from './san.ts'
import { serveScript } from './script.ts'
import { serveStableAnswer } from './stable-answers.ts'
import { serveTreeFile } from './trees.ts'

/** What the boot network is served from. */
export type BootDeps = FileDeps & {
  db: Db
  nbps: Nbps
  scripts: Scripts
  events: BootEventRecorder
  findSituation: FindSituation
  openBoot: OpenBoot
  recordReport: RecordReport
  findTreeFile: FindTreeFile
  findSize: FindSize
  sealer: Sealer
  settings: {
    baseUrl: string | undefined
    /** Addresses and subnets whose word counts for the client's address. */
    trustedProxies?: string[]
    afterRefusal: AfterRefusal
    maxDiscovered: number
    maxDiscoveredPerAddress: number
    answersToAnyAddress: boolean
    answerSubnets?: string[] | undefined
    /** How the command line is typed here, for next steps on screens. */
    command?: string
  }
  /** True for an address that may boot here. */
  allows: (address: string) => boolean
  databaseAnswers: () => Promise<boolean>
  /** The database server has too few connections for this process. */
  databaseIsShort: () => boolean
  /** Why nothing can be changed though the database answers, in words. */
  databaseFault: () => Promise<string | undefined>
  /** False when an address has made as many records of machines that nobody entered as are its share. */
  mayRecord: (address: string) => boolean
}

/** Requests of one address that are answered at once, downloads aside: those have limits of their own (admission.ts). */
const maxAtOncePerAddress = 16
/** A body may come slowly: the turn begins when it is read (reports.ts, stable-answers.ts). */
const readsBody = /^\/(b\/[^/]+|answer)\/[^/]+$/
const downloads = /^\/(files|trees|nbp)\//

/** Every URL of the boot network. */
export function createBootApp(deps: BootDeps): Hono<BootEnv> {
  const { settings } = deps
  const app = new Hono<BootEnv>()
  const isTrustedProxy = proxyTest(settings.trustedProxies ?? [])
  app.use((c, next) => {
    c.env.incoming.clientAddress = clientAddressOf(peerOf(c), c.env.incoming.headers, isTrustedProxy)
    return next()
  })
  app.use(async (c, next) => {
    if (deps.allows(addressOf(c))) return next()
    deps.log.warn({ ip: addressOf(c), path: c.req.path }, 'refused: the address is in no boot subnet')
    return c.text('This address may not boot here.\n', 403)
  })
  // Of a server that cannot do everything a restart makes no better one: who ends what is not live asks here.
  app.get('/livez', (c) => c.text('ok\n'))
  app.get('/healthz', async (c) => {
    const { code, health } = await findHealth(deps)
    // The reason names folders of the server: that is for operators.
    return c.json({ status: health.status, database: health.database, version: health.version }, code)
  })
  const inTurn = createFairTurns(maxAtOncePerAddress)
  const waitsForBody = (method: string, path: string) => method === 'POST' && readsBody.test(path)
  app.use((c, next) => {
    const { method, path } = c.req
    return downloads.test(path) || waitsForBody(method, path) ? next() : inTurn(addressOf(c), next)
  })

  for (const path of ['/boot.ipxe', '/boot.ipxe.0', '/autoexec.ipxe', '/nbp/*', '/ipxe', '/ipxe/*']) {
    app.use(path, emptyPreseed)
  }
  app.get('/boot.ipxe', (c) => serveBootstrap(c, deps, settings.baseUrl ?? ''))
  // dnsmasq's pxe-service adds the `.0` by itself.
  app.get('/boot.ipxe.0', (c) => serveBootstrap(c, deps, settings.baseUrl ?? ''))
  // iPXE of 2021 or later, started by UEFI, asks for this beside the program that it was loaded as. It runs it without
  // an address to resolve relative URLs against.
  app.get('/autoexec.ipxe', (c) => serveBootstrap(c, deps, baseUrlOf(c, settings.baseUrl)))
  app.get('/nbp/autoexec.ipxe', (c) => serveBootstrap(c, deps, baseUrlOf(c, settings.baseUrl)))

  app.get('/ipxe/:file{[^/]+\\.ipxe}', (c) => serveScript(c, deps))
  // Whatever else is asked there comes from a machine that waits for a script.
  for (const path of ['/ipxe', '/ipxe/*']) app.all(path, (c) => serveScript(c, deps))
  app.get('/files/:sha256/:name', (c) => serveFile(c, deps))
  app.get('/trees/*', (c) => serveTreeFile(c, deps))
  app.get('/nbp/:name', (c) => serveNbp(c, deps))
  app.get('/b/:token/answer/:document', (c) => serveAnswer(c, deps, 'answer'))
  app.get('/b/:token/nocloud/:document', (c) => serveAnswer(c, deps, 'nocloud'))
  // Some installers can only POST; what they send along is not needed where the token says which boot it is.
  app.post('/b/:token/answer/:document', (c) => serveAnswer(c, deps, 'answer'))
  app.post('/b/:token/nocloud/:document', (c) => serveAnswer(c, deps, 'nocloud'))
  app.post('/answer/:document', (c) => serveStableAnswer(c, deps, inTurn))
  app.get('/b/:token/san.ipxe', (c) => serveSan(c, deps))
  app.get('/b/:token/boot.cfg', (c) => serveBootConfig(c, deps))
  app.get('/b/:token/menu/:entry', async (c) => (c.req.method === 'HEAD' ? c.body(null) : serveChoice(c, deps)))
  // HEAD is answered like GET by Hono, and must report nothing.
  app.get('/b/:token/:report', async (c) => (c.req.method === 'HEAD' ? c.body(null) : takeReport(c, deps)))
  app.post('/b/:token/:report', (c) => takeReport(c, deps, inTurn))

  app.notFound((c) => c.text('There is nothing here. A machine begins at /boot.ipxe.\n', 404))
  app.onError((error, c) => {
    if (error instanceof InputError) return c.text(`${error.message}\n`, 400)
    deps.log.error({ path: c.req.path, error: messageOf(error) }, 'a boot request failed')
    // iPXE obeys Retry-After by itself (its httpcore.c); installers' wget tries again too.
    return c.text('The boot server cannot answer now.\n', 503, { 'Retry-After': '5' })
  })
  return app
}

function serveBootstrap(c: BootContext, { scripts, events }: BootDeps, base: string): Response {
  if (isIpxe(c) && c.req.method === 'GET') events.record({ ip: addressOf(c), stage: 'bootstrap' })
  c.header('Cache-Control', 'no-store')
  return c.text(scripts.bootstrap(base))
}
