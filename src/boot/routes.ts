// Every URL of the boot network, in the order in which they are tried. The reference of URLs is printed from this table.
import { serveAnswer } from './answer-files.ts'
import { serveBootConfig } from './boot-config.ts'
import { serveBootstrap, serveWholeBootstrap } from './bootstrap.ts'
import { serveFile } from './files.ts'
import { serveHealth, serveLiveness } from './health.ts'
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
  /** Its purpose, as in docs/reference/urls.md. */
  summary: string
  serve: (context: BootContext, deps: BootDeps, inTurn: FairTurns) => Response | Promise<Response>
  /**
   * When it is answered, while its address has many other requests under way. `first` (the default): after it waited
   * for its turn.
   * `own`: the route reads the body, which may come slowly, and takes its turn after that. `none`: at once.
   */
  turn?: 'first' | 'own' | 'none'
  /** HEAD gets an empty answer, as GET changes something. */
  inertHead?: true
}

const get: BootRoute['methods'] = ['GET']
const getOrPost: BootRoute['methods'] = ['GET', 'POST']

export const bootRoutes: BootRoute[] = [
  {
    methods: get,
    path: '/livez',
    summary: 'Whether the process answers: always 200.',
    serve: serveLiveness,
    turn: 'none',
  },
  {
    methods: get,
    path: '/healthz',
    summary: "Whether the server can do its work: 200, or 503 with the reason's kind.",
    serve: serveHealth,
    turn: 'none',
  },
  {
    methods: get,
    path: '/boot.ipxe',
    summary: "The bootstrap: the same iPXE script for every machine. It asks for the machine's own script.",
    serve: serveBootstrap,
  },
  {
    methods: get,
    path: '/boot.ipxe.0',
    summary: 'The bootstrap, for the pxe-service of dnsmasq, which appends ".0" to a name.',
    serve: serveBootstrap,
  },
  {
    methods: get,
    path: '/autoexec.ipxe',
    summary: 'The bootstrap with full URLs, for iPXE of 2021 and later that starts under UEFI.',
    serve: serveWholeBootstrap,
  },
  {
    methods: get,
    path: '/nbp/autoexec.ipxe',
    summary: 'The bootstrap with full URLs, beside a boot program that was loaded over HTTP.',
    serve: serveWholeBootstrap,
  },
  {
    methods: get,
    path: '/ipxe/:file{[^/]+\\.ipxe}',
    summary: 'The script for the machine whose MAC is the file name: /ipxe/52-54-00-12-34-56.ipxe.',
    serve: serveScript,
  },
  {
    methods: 'any',
    path: '/ipxe',
    summary:
      'The script for one machine, named by query parameters: mac, uuid, serial and others. A preview unless iPXE asks.',
    serve: serveScript,
  },
  {
    methods: 'any',
    path: '/ipxe/*',
    summary: 'Every other path below /ipxe is answered like /ipxe.',
    serve: serveScript,
  },
  {
    methods: get,
    path: '/files/:sha256/:name',
    summary: 'A stored file, by the sha256 of its bytes. Answers ranges and conditional requests.',
    serve: serveFile,
    turn: 'none',
  },
  {
    methods: get,
    path: '/trees/*',
    summary: "A file of an image's tree: /trees/IMAGE/VERSION/DIGEST/PATH.",
    serve: serveTreeFile,
    turn: 'none',
  },
  {
    methods: get,
    path: '/nbp/:name',
    summary: 'A boot program, for UEFI HTTP Boot.',
    serve: serveNbp,
    turn: 'none',
  },
  {
    methods: getOrPost,
    path: '/b/:token/answer/:document',
    summary: 'A document of the answer file, rendered for this boot. The body of a POST is ignored.',
    serve: (context, deps) => serveAnswer(context, deps, 'answer'),
  },
  {
    methods: getOrPost,
    path: '/b/:token/nocloud/:document',
    summary: 'A document for cloud-init: meta-data, user-data, vendor-data, network-config.',
    serve: (context, deps) => serveAnswer(context, deps, 'nocloud'),
  },
  {
    methods: ['POST'],
    path: '/answer/:document',
    summary: 'A document for installers whose URL is fixed in their medium. The posted JSON contains the MAC.',
    serve: serveStableAnswer,
    turn: 'own',
  },
  {
    methods: get,
    path: '/b/:token/san.ipxe',
    summary: 'The script that opens an iSCSI target, with the CHAP password.',
    serve: serveSan,
  },
  {
    methods: get,
    path: '/b/:token/boot.cfg',
    summary: "VMware's boot.cfg, rendered for this boot.",
    serve: serveBootConfig,
  },
  {
    methods: get,
    path: '/b/:token/menu/:entry',
    summary: 'The script for an entry of the menu that this boot showed.',
    serve: serveChoice,
    inertHead: true,
  },
  {
    methods: getOrPost,
    path: '/b/:token/:report',
    summary: 'A report of the machine: ready, installing, progress, installed, booted or failed, with ?message=TEXT.',
    serve: takeReport,
    turn: 'own',
    inertHead: true,
  },
]
