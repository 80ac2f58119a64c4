// Networks that work, with a boot server whose settings, images or machines do not.
import { createHash, randomBytes } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { dataFolder } from '../../../src/config/data-folder.ts'
import type { LabServer } from '../server.ts'
import type { BrokenNetwork } from './network.ts'
import { siteImages, siteMac } from './site.ts'

export const serverNetworks: BrokenNetwork[] = [
  {
    name: 'wrong-base-url',
    broken: 'BOOTWRIGHT_BASE_URL has the address of another computer',
    finding: 'BW-BASE-URL',
    settings: { BOOTWRIGHT_BASE_URL: 'http://10.99.0.77:8080' },
    screens: { ipxe: ['Connection timed out (http://ipxe.org/4c0a6035)'] },
  },
  {
    name: 'base-url-loopback',
    broken: 'BOOTWRIGHT_BASE_URL has the host localhost',
    finding: 'BW-BASE-URL',
    alsoTrue: ['BW-DNS'],
    settings: { BOOTWRIGHT_BASE_URL: 'http://localhost:8080' },
  },
  {
    name: 'base-url-dns',
    broken: 'BOOTWRIGHT_BASE_URL has a host name that DNS does not know',
    finding: 'BW-DNS',
    settings: { BOOTWRIGHT_BASE_URL: 'http://boot.lab.invalid:8080' },
  },
  {
    name: 'image-file-missing',
    broken: 'a file of an image was deleted in the data folder',
    finding: 'BW-FILE-MISSING',
    changeServer: (server, dataDir) => damage(server, dataDir, () => undefined),
  },
  {
    name: 'image-file-truncated',
    broken: 'a file of an image lost its end',
    finding: 'BW-FILE-DAMAGED',
    changeServer: (server, dataDir) => damage(server, dataDir, (bytes) => bytes.subarray(0, 1000)),
  },
  {
    name: 'image-file-corrupted',
    broken: 'a file of an image has other bytes of the same size',
    finding: 'BW-FILE-DAMAGED',
    changeServer: async (server, dataDir) => {
      const undo = await damage(server, dataDir, (bytes) => Buffer.alloc(bytes.length, 'other bytes'))
      // Other bytes are found by the verification that runs at night, or by this command.
      await server.api('POST', '/files/verify', {})
      return undo
    },
  },
  {
    name: 'no-variant',
    broken: 'the machine is x86-64, and its image is for arm64 only',
    finding: 'BW-NO-VARIANT',
    // The machine never booted, so its firmware is assumed.
    state: 'warning',
    changeServer: async (server) => {
      const assign = (image: string) => server.api('PUT', `/machines/${siteMac}`, { assignment: { image } })
      await assign(siteImages.armOnly)
      return async () => {
        await assign(siteImages.usual)
      }
    },
  },
]

/** Adds an image with a file of its own, and a machine that boots it. Then replaces or removes the bytes of the file. */
async function damage(
  server: LabServer,
  dataDir: string,
  edit: (bytes: Buffer) => Buffer | undefined,
): Promise<() => Promise<void>> {
  const bytes = randomBytes(100_000)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const [image, mac] = ['damaged', '52-54-00-0b-00-02']
  await server.api('PUT', `/files/${sha256}?name=vmlinuz`, bytes)
  const variants = [{ arch: 'x86_64', kind: 'linux', kernel: { sha256, name: 'vmlinuz' } }]
  await server.api('PUT', `/images/${image}`, { title: 'A damaged image', variants })
  await server.api('PUT', `/machines/${mac}`, { assignment: { image } })
  const file = join(dataFolder(dataDir).files.folder, sha256.slice(0, 2), sha256)
  await rm(file)
  const edited = edit(bytes)
  if (edited !== undefined) await writeFile(file, edited)
  return async () => {
    await server.api('DELETE', `/machines/${mac}`)
    await server.api('DELETE', `/images/${image}`)
    await server.api('DELETE', `/files/${sha256}`)
  }
}
