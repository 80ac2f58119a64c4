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
  method: 'GET' | 'POST' | 'ALL'
  path: string
  /** Who asks for it, and what they get. */
  summary: string
  serve: (context: BootContext, deps: BootDeps, inTurn: FairTurns) => Response | Promise<Response>
  /**
   * When a request of an address with many others under way is answered. `first` (the default): after it waited for its turn.
   * `own`: the route reads the body, which may come slowly, and takes its turn then. `none`: at once.
   */
  turn?: 'first' | 'own' | 'none'
  /** HEAD gets an empty answer, as GET changes something. */
  inertHead?: true
}

export const bootRoutes: BootRoute[] = [
  {
    method: 'GET',
    path: '/livez',
    summary: 'Whether the process is running. An orchestrator may restart a server that does not answer.',
    serve: serveLiveness,
    turn: 'none',
  },
  {
    method: 'GET',
    path: '/healthz',
    summary: 'Whether the server can do everything it should. A restart does not help a server that cannot.',
    serve: serveHealth,
    turn: 'none',
  },
  {
    method: 'GET',
    path: '/boot.ipxe',
    summary:
      'The bootstrap, for iPXE: the same script for every machine. It reports the facts of the machine to /ipxe.',
    serve: serveBootstrap,
  },
  {
    method: 'GET',
    path: '/boot.ipxe.0',
    summary: 'The same. The pxe-service option of dnsmasq appends the .0.',
    serve: serveBootstrap,
  },
  {
    method: 'GET',
    path: '/autoexec.ipxe',
    summary:
      'The same with the address of the server in it. iPXE of 2021 or later, started by UEFI, looks for it beside itself.',
    serve: serveWholeBootstrap,
  },
  {
    method: 'GET',
    path: '/nbp/autoexec.ipxe',
    summary: 'The same, for an iPXE that was loaded from /nbp/.',
    serve: serveWholeBootstrap,
  },
  {
    method: 'GET',
    path: '/ipxe/:file{[^/]+\\.ipxe}',
    summary: 'The script for the machine with this MAC address, as /ipxe: /ipxe/52-54-00-12-34-56.ipxe.',
    serve: serveScript,
  },
  {
    method: 'ALL',
    path: '/ipxe',
    summary:
      'The script for the machine with the facts in the query. iPXE opens a boot; any other client gets a preview.',
    serve: serveScript,
  },
  {
    method: 'ALL',
    path: '/ipxe/*',
    summary: 'The same: whatever asks here waits for a script.',
    serve: serveScript,
  },
  {
    method: 'GET',
    path: '/files/:sha256/:name',
    summary: 'A stored file, for iPXE: a kernel, an initrd, a disk image.',
    serve: serveFile,
    turn: 'none',
  },
  {
    method: 'GET',
    path: '/trees/*',
    summary: 'A file of an image, for its installer: /trees/IMAGE/VERSION/DIGEST/PATH.',
    serve: serveTreeFile,
    turn: 'none',
  },
  {
    method: 'GET',
    path: '/nbp/:name',
    summary: 'A boot program, for UEFI HTTP Boot.',
    serve: serveNbp,
    turn: 'none',
  },
  {
    method: 'GET',
    path: '/b/:token/answer/:document',
    summary: 'A document of the answer file, for the installer, filled in for this boot.',
    serve: (context, deps) => serveAnswer(context, deps, 'answer'),
  },
  {
    method: 'GET',
    path: '/b/:token/nocloud/:document',
    summary: 'The same, for cloud-init (NoCloud): user-data, meta-data, vendor-data, network-config.',
    serve: (context, deps) => serveAnswer(context, deps, 'nocloud'),
  },
  {
    method: 'POST',
    path: '/b/:token/answer/:document',
    summary: 'The same as GET, for installers that can only POST. The body is ignored.',
    serve: (context, deps) => serveAnswer(context, deps, 'answer'),
  },
  {
    method: 'POST',
    path: '/b/:token/nocloud/:document',
    summary: 'The same as GET. The body is ignored.',
    serve: (context, deps) => serveAnswer(context, deps, 'nocloud'),
  },
  {
    method: 'POST',
    path: '/answer/:document',
    summary:
      'A document of the answer file, for installers whose URL is fixed (Proxmox VE). The body names the machine.',
    serve: serveStableAnswer,
    turn: 'own',
  },
  {
    method: 'GET',
    path: '/b/:token/san.ipxe',
    summary: 'The script that opens an iSCSI target, for iPXE, with the CHAP passwords of the machine.',
    serve: serveSan,
  },
  {
    method: 'GET',
    path: '/b/:token/boot.cfg',
    summary: "The configuration of VMware's boot loader, filled in for this boot.",
    serve: serveBootConfig,
  },
  {
    method: 'GET',
    path: '/b/:token/menu/:entry',
    summary: 'The script of a menu entry, for iPXE. It opens a boot of its own.',
    serve: serveChoice,
    inertHead: true,
  },
  {
    method: 'GET',
    path: '/b/:token/:report',
    summary: 'A report of the machine: ready, installing, progress, installed, booted or failed, with ?message=TEXT.',
    serve: (context, deps) => takeReport(context, deps),
    inertHead: true,
  },
  {
    method: 'POST',
    path: '/b/:token/:report',
    summary: 'The same. The body may be a form, JSON or a log; the end of a log is kept.',
    serve: takeReport,
    turn: 'own',
  },
]
