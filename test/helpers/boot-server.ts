import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { createBootApp } from '../../src/boot/http/app.ts'
import type { BootDeps } from '../../src/boot/http/deps.ts'
import { createTransfers } from '../../src/bytes/send/send-file.ts'
import { openFolderStore } from '../../src/bytes/store/folder-store.ts'
import { filesFolder } from '../../src/config/data-folder.ts'
import type { OpenDb } from '../../src/db/open.ts'
import { createFindStoredSize } from '../../src/files/stored-sizes.ts'
import { recordDamage, saveFile } from '../../src/inventory/images/files.ts'
import { type Inventory, openInventory } from '../../src/inventory/open.ts'
import type { RosterOptions } from '../../src/inventory/roster/roster.ts'
import { createMetrics } from '../../src/lib/metrics.ts'
import { createSealer } from '../../src/lib/seal.ts'
import type { FileRef } from '../../src/model/image.ts'
import { createScripts } from '../../src/render/scripts.ts'
import { createBootServer } from '../../src/server/http/boot-http.ts'
import { readTemplates } from '../../src/server/templates.ts'
import { openTestDatabase } from './database.ts'
import { newTestFiles } from './journal.ts'

export type TestBootServer = {
  deps: BootDeps
  /** The folder of the store. */
  folder: string
  port: number
  url: string
  /** Stores bytes as an image's file. */
  addFile: (name: string, bytes: Buffer) => Promise<FileRef>
  stop: () => Promise<void>
}

/** Starts a real boot listener on a free loopback port, with an embedded database in memory. */
export async function startTestBootServer(
  settings: Partial<BootDeps['settings']> &
    Partial<Pick<BootDeps, 'allows' | 'databaseAnswers' | 'databaseAway' | 'transfers' | 'mayRecord'>> &
    Pick<RosterOptions, 'maxMachines'> = {},
): Promise<TestBootServer> {
  const folder = await mkdtemp(join(tmpdir(), 'bootwright-test-'))
  const { db, close }: OpenDb = await openTestDatabase()
  const log = pino({ level: 'silent' })
  const store = await openFolderStore(filesFolder(folder))
  const metrics = createMetrics()
  const journal = newTestFiles()
  const inventory = openInventory(db, log, journal.files, {
    fileStatusKeptMs: 50,
    metrics,
    roster: { waitMs: 5000, ...(settings.maxMachines !== undefined && { maxMachines: settings.maxMachines }) },
  })
  const {
    allows = () => true,
    databaseAnswers = async () => true,
    databaseAway = () => undefined,
    mayRecord = () => true,
    transfers,
    ...bootSettings
  } = settings
  const efi = randomBytes(100_001)
  const deps: BootDeps = {
    db,
    inventory,
    store,
    transfers:
      transfers ??
      createTransfers({ cacheBytes: 2 ** 24, maxTransfers: 1000, bytesPerSecond: undefined, zeroCopy: true }, metrics),
    log,
    metrics,
    recordDamage: (sha256, fault) => recordDamage(db, sha256, fault),
    allows,
    databaseAnswers,
    databaseAway,
    databaseIsShort: () => false,
    databaseFault: async () => undefined,
    mayRecord,
    nbps: new Map([['ipxe.efi', { name: 'ipxe.efi', bytes: efi, sha256: sha256(efi) }]]),
    scripts: createScripts(readTemplates()),
    findStoredSize: createFindStoredSize(store, { keptMs: 50 }),
    sealer: createSealer(Buffer.alloc(32, 1)),
    settings: {
      baseUrl: undefined,
      afterRefusal: 'retry',
      maxDiscovered: 100,
      maxDiscoveredPerAddress: 100,
      answersToAnyAddress: false,
      ...bootSettings,
    },
  }
  const server = createBootServer(createBootApp(deps))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    deps,
    folder,
    port,
    url: `http://127.0.0.1:${port}`,
    addFile: async (name, bytes) => {
      await store.put(sha256(bytes), chunks(bytes), bytes.length)
      await saveFile(db, { sha256: sha256(bytes), name, sizeBytes: bytes.length })
      return { sha256: sha256(bytes), name }
    },
    stop: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await inventory.close()
      await journal.remove()
      await close()
      await rm(folder, { recursive: true })
    },
  }
}

/** Sends GET with the User-Agent of iPXE, so that the server opens a boot. */
export async function getAsIpxe(url: string): Promise<string> {
  const response = await fetch(url, { headers: { 'User-Agent': 'iPXE/1.21.1' } })
  if (response.status !== 200) throw new Error(`${url}: ${response.status} ${await response.text()}`)
  return response.text()
}

/** Fetches a script as iPXE does, and waits until the database has the boot. */
export async function bootAsIpxe(
  { url, deps }: { url: string; deps: { inventory: Pick<Inventory, 'events'> } },
  query: string,
): Promise<string> {
  const script = await getAsIpxe(`${url}/ipxe?${query}`)
  await deps.inventory.events.flush()
  return script
}

/** A script with each sentence for the console on one line: scripts wrap them at 80 columns. */
export function unwrapped(script: string): string {
  return script.replaceAll(/(?<=^echo .*)\necho (?!Bootwright: |Next step: |More: |Checking |Booting |Halted)/gm, ' ')
}

/** The next step that a script prints. */
export function nextStepOf(script: string): string | undefined {
  return /^echo Next step: (.*)$/m.exec(unwrapped(script))?.[1]
}

/** Sends bytes to a port, and returns all bytes until the other side closes (the request needs `Connection: close`). */
export function exchange(port: number, request: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = []
    const socket = connect(port, '127.0.0.1', () => socket.write(request, 'latin1'))
    socket.setTimeout(5000, () => socket.destroy(new Error('no answer in 5 s')))
    socket.on('data', (part: Buffer) => parts.push(part))
    socket.on('error', reject)
    socket.on('close', () => resolve(Buffer.concat(parts).toString('latin1')))
  })
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

async function* chunks(bytes: Buffer): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += 65_536) yield bytes.subarray(at, at + 65_536)
}
