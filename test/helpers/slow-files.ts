import { relative } from 'node:path'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** The beginnings of the paths of the slowest tests. A whole run starts with them; `npm run test:quick` leaves them out. */
export const slowFiles = [
  // Downloads at random for two minutes. The other file collects garbage a hundred times, which is slow after other files have
  // filled the heap of the worker.
  'test/bytes/send/kernel/',
  // Virtual machines.
  'test/lab/',
  // Networks that are broken on purpose.
  'test/doctor/',
  // Servers that are killed and restarted, and disks that are full or lose their power.
  'test/db/broken-folder',
  'test/db/engine-death',
  'test/db/folder-lock',
  'test/db/lost-connections',
  'test/db/power-cut',
  'test/intake/full-disk',
  'test/intake/kills',
  'test/server/clock',
  'test/server/metrics',
  'test/server/outages',
  'test/server/process-end',
  'test/server/storm',
  'test/server/two-servers',
  'test/bytes/workers/',
  'test/scripts/setup',
  // A browser.
  'test/ui/',
  // An object store, and clients that are generated and compiled.
  'test/bytes/store/file-store',
  'test/bytes/store/s3-store',
  'test/api/http/clients',
  // Downloads of hundreds of megabytes, discs, and the slowest suites of the inventory.
  'test/boot/files',
  'test/bytes/send/bounded-speed',
  'test/bytes/send/busy',
  'test/bytes/send/patience',
  'test/intake/discs/archive-links',
  'test/intake/discs/iso',
  'test/intake/imports',
  'test/api/images/imports',
  'test/decide/identity-boots',
  'test/inventory/machines/fields',
  // Browsers.
  'test/ui/images/',
  // Suites that wait for real times: retransmissions, slow servers, full disks, restarts.
  'test/bytes/fetch/',
  'test/cli/images/image-import',
  'test/config/data-folder-layout',
  'test/dhcp/interface',
  'test/intake/discs/unreadable',
  'test/inventory/boots/clock',
  'test/inventory/boots/strangers',
  'test/jobs/webhook-sender',
  'test/lib/log-output',
  'test/scripts/check-dependencies',
  'test/scripts/demo',
  'test/server/http/boot-http',
  'test/server/version',
  'test/tftp/server',
  'test/tftp/transfer',
  // Pages in a browser.
  'test/ui/machines/',
]

// A class because Vitest makes the object. A slow file that comes last keeps one core busy while the other is idle.
export class SlowFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const place = ({ moduleId }: TestSpecification) => {
      const path = relative(process.cwd(), moduleId)
      const index = slowFiles.findIndex((slow) => path.startsWith(slow))
      return index < 0 ? slowFiles.length : index
    }
    return (await super.sort(files)).toSorted((a, b) => place(a) - place(b))
  }
}
