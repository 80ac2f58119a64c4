// All URLs of the boot network, in the order of their matching. docs/reference/urls.md is printed from this table.
import { serveAnswer } from './answer-files.ts'
import { serveBootConfig } from './boot-config.ts'
import { serveBootstrap, serveWholeBootstrap } from './bootstrap.ts'
import { serveFile } from './files.ts'
import { serveHealth, serveLiveness, serveReadiness } from './health.ts'
import { serveHelp } from './help.ts'
import type { BootDeps } from './http/deps.ts'
import type { FairTurns } from './http/fair-turns.ts'
import type { BootContext } from './http/request.ts'
import { serveChoice } from './menus.ts'
import { serveNbp } from './nbps.ts'
import { takeReport } from './reports.ts'
import { serveSan } from './san.ts'
import { serveScript } from './script.ts'
import { serveStableAnswer } from './stable-answers.ts'
import { serveTreeFile } from './trees.ts'

export type BootRoute = {
  methods: ('GET' | 'POST')[] | 'any'
  path: string
  /** The purpose of the URL, for docs/reference/urls.md. */
  summary: string
  serve: (context: BootContext, deps: BootDeps, inTurn: FairTurns) => Response | Promise<Response>
  /**
   * When a request waits for its address's turn (http/fair-turns.ts). `first` (the default): before the handler. `own`: the
   * handler waits after reading the body, which may be slow. `none`: never.
   */
  turn?: 'first' | 'own' | 'none'
  /** HEAD gets an empty answer, because GET has effects. */
  inertHead?: true
}

const get: BootRoute['methods'] = ['GET']
const getOrPost: BootRoute['methods'] = ['GET', 'POST']

export const bootRoutes: BootRoute[] = [
  {
    methods: get,
    path: '/livez',
    summary: 'Check that the process is running: always 200.',
    serve: serveLiveness,
    turn: 'none',
  },
  {
    methods: get,
    path: '/healthz',
    summary: 'Check that the process is running, and show whether the database answers: always 200.',
    serve: serveHealth,
    turn: 'none',
  },
  {
    methods: get,
    path: '/readyz',
    summary: 'Check that the server can decide what machines boot: 200, or 503. The body lists what is degraded.',
    serve: serveReadiness,
    turn: 'none',
  },
  {
    methods: get,
    path: '/boot.ipxe',
    summary: 'Fetch the bootstrap: the same iPXE script for every machine. It fetches the script for the machine.',
    serve: serveBootstrap,
  },
  {
    methods: get,
    path: '/boot.ipxe.0',
    summary: 'Fetch the bootstrap, for the pxe-service of dnsmasq, which appends ".0" to a name.',
    serve: serveBootstrap,
  },
  {
    methods: get,
    path: '/autoexec.ipxe',
    summary: 'Fetch the bootstrap with full URLs, for iPXE of 2021 and later that starts under UEFI.',
    serve: serveWholeBootstrap,
  },
  {
    methods: get,
    path: '/nbp/autoexec.ipxe',
    summary: 'Fetch the bootstrap with full URLs, in the folder of a boot program that was loaded over HTTP.',
    serve: serveWholeBootstrap,
  },
  {
    methods: get,
    path: '/ipxe/:file{[^/]+\\.ipxe}',
    summary: 'Fetch the script for the machine whose MAC is the file name: /ipxe/52-54-00-12-34-56.ipxe.',
    serve: serveScript,
  },
  {
    methods: 'any',
    path: '/ipxe',
    summary:
      'Fetch the script for a machine, by query parameters: mac, uuid, serial and others. Clients other than iPXE get a preview.',
    serve: serveScript,
  },
  {
    methods: 'any',
    path: '/ipxe/*',
    summary: 'Answer every other path below /ipxe like /ipxe.',
    serve: serveScript,
  },
  {
    methods: get,
    path: '/files/:sha256/:name',
    summary: 'Download a stored file, by the sha256 of its bytes. Supports ranges and conditional requests.',
    serve: serveFile,
    turn: 'none',
  },
  {
    methods: get,
    path: '/trees/*',
    summary: "Download a file of an image's tree: /trees/IMAGE/VERSION/DIGEST/PATH.",
    serve: serveTreeFile,
    turn: 'none',
  },
  {
    methods: get,
    path: '/nbp/:name',
    summary: 'Download a boot program, for UEFI HTTP Boot.',
    serve: serveNbp,
    turn: 'none',
  },
  {
    methods: get,
    path: '/help/:code',
    summary: 'Read what a code means: a page, or plain text. /help/CODE.ipxe prints it on the console of a machine.',
    serve: serveHelp,
    turn: 'none',
  },
  {
    methods: getOrPost,
    path: '/b/:token/answer/:document',
    summary: 'Fetch a document of the answer file, rendered for this boot. The body of a POST is ignored.',
    serve: (context, deps) => serveAnswer(context, deps, 'answer'),
  },
  {
    methods: getOrPost,
    path: '/b/:token/nocloud/:document',
    summary: 'Fetch a document for cloud-init: meta-data, user-data, vendor-data, network-config.',
    serve: (context, deps) => serveAnswer(context, deps, 'nocloud'),
  },
  {
    methods: ['POST'],
    path: '/answer/:document',
    summary: 'Fetch a document for installers whose URL is fixed in their medium. The posted JSON contains the MAC.',
    serve: serveStableAnswer,
    turn: 'own',
  },
  {
    methods: get,
    path: '/b/:token/san.ipxe',
    summary: 'Fetch the script that opens an iSCSI target, with the CHAP passwords.',
    serve: serveSan,
  },
  {
    methods: get,
    path: '/b/:token/boot.cfg',
    summary: "Fetch VMware's boot.cfg, rendered for this boot.",
    serve: serveBootConfig,
  },
  {
    methods: get,
    path: '/b/:token/menu/:entry',
    summary: 'Fetch the script for an entry of the menu that this boot showed.',
    serve: serveChoice,
    inertHead: true,
  },
  {
    methods: getOrPost,
    path: '/b/:token/:report',
    summary:
      'Report the state of the machine: ready, installing, progress, installed, booted or failed, with ?message=TEXT.',
    serve: takeReport,
    turn: 'own',
    inertHead: true,
  },
]
