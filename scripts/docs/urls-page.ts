import { inspectRoutes } from 'hono/dev'
import { type BootDeps, createBootApp } from '../../src/boot/routes.ts'
import { code, formatPage, generatedFrom, heading, paragraph, table, text } from './markdown.ts'

/** What each URL of the boot listener is for. A route without a line here, and a line without a route, is an error. */
const meanings: Record<string, string> = {
  '/boot.ipxe': "The bootstrap: the same iPXE script for every machine. It asks for the machine's own script.",
  '/boot.ipxe.0': 'The bootstrap, for the pxe-service of dnsmasq, which appends ".0" to a name.',
  '/autoexec.ipxe': 'The bootstrap with full URLs, for iPXE of 2021 and later that starts under UEFI.',
  '/nbp/autoexec.ipxe': 'The bootstrap with full URLs, beside a boot program that was loaded over HTTP.',
  '/ipxe':
    'The script for one machine, named by query parameters: mac, uuid, serial and others. A preview unless iPXE asks.',
  '/ipxe/*': 'Every other path below /ipxe is answered like /ipxe.',
  '/ipxe/:file': 'The script for the machine whose MAC is the file name: /ipxe/52-54-00-12-34-56.ipxe.',
  '/files/:sha256/:name': 'A stored file, by the sha256 of its bytes. Answers ranges and conditional requests.',
  '/trees/*': "A file of an image's tree: /trees/IMAGE/VERSION/DIGEST/PATH.",
  '/nbp/:name': 'A boot program, for UEFI HTTP Boot.',
  '/b/:token/answer/:document': 'A document of the answer file, rendered for this boot.',
  '/b/:token/nocloud/:document': 'A document for cloud-init: meta-data, user-data, vendor-data, network-config.',
  '/answer/:document':
    'A document for installers whose URL is fixed in their medium. The posted JSON contains the MAC.',
  '/b/:token/san.ipxe': 'The script that opens an iSCSI target, with the CHAP password.',
  '/b/:token/boot.cfg': "VMware's boot.cfg, rendered for this boot.",
  '/b/:token/menu/:entry': 'The script for an entry of the menu that this boot showed.',
  '/b/:token/:report':
    'A report of the machine: ready, installing, progress, installed, booted or failed, with ?message=TEXT.',
  '/healthz': "Whether the server can do its work: 200, or 503 with the reason's kind.",
  '/livez': 'Whether the process answers: always 200.',
}

/** Every URL of the boot listener. */
export function urlsPage(): string {
  return formatPage([
    heading(1, 'URLs of the boot listener'),
    generatedFrom('src/boot/routes.ts'),
    paragraph(
      text('Machines use these URLs, without a password. '),
      code(':token'),
      text(' is the token of one boot, which its script contains. '),
      { type: 'link', url: '../explain/security.md', children: [text('Security')] },
      text(' says what a token opens.'),
    ),
    table(
      ['method', 'path', 'meaning'],
      listRoutes().map(({ path, methods }) => [text(methods.join(', ')), code(path), text(meanings[path] as string)]),
    ),
  ])
}

function listRoutes(): { path: string; methods: string[] }[] {
  // Only the table of routes is read; no request is answered.
  const app = createBootApp({ settings: {} } as BootDeps)
  const methodsOf = new Map<string, Set<string>>()
  for (const { method, path, isMiddleware } of inspectRoutes(app)) {
    const plain = path.replace(/\{[^}]*\}/, '')
    if (!isMiddleware) methodsOf.set(plain, (methodsOf.get(plain) ?? new Set()).add(method === 'ALL' ? 'any' : method))
  }
  const paths = [...methodsOf.keys()]
  const unexplained = paths.filter((path) => meanings[path] === undefined)
  const unserved = Object.keys(meanings).filter((path) => !methodsOf.has(path))
  if (unexplained.length + unserved.length > 0)
    throw new Error(`scripts/docs/urls-page.ts: no meaning for ${unexplained}; no route for ${unserved}`)
  return paths.map((path) => ({ path, methods: [...(methodsOf.get(path) ?? [])] }))
}
