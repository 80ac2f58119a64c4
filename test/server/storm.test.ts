import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { put } from '../../scripts/bench/admin.ts'
import { bootFakeMachine, type FakeBoot } from '../../scripts/fakes/fake-machine.ts'
import { enterSite, fakeMachine, missingRecords } from '../../scripts/fakes/fake-site.ts'
import { loadConfig } from '../../src/config/config.ts'
import { programDir } from '../../src/lib/program-dir.ts'
import { startServer } from '../../src/server/server.ts'
import { putTestDatabase } from '../helpers/database.ts'

const files = { kernel: randomBytes(300_001), initrd: randomBytes(1_000_003) }
const nbp = await readFile(join(programDir, 'ipxe/nbp/ipxe.efi'))
const limit = 120_000
const heldDownloads = 10

/**
 * Boots this number of machines at once from a whole server with these settings. Returns their boots, and the events that the
 * server did not record. With `holding`, other downloads hold all slots until the server makes a machine wait.
 */
async function storm(
  machines: number,
  env: Record<string, string>,
  holding = false,
): Promise<{ boots: FakeBoot[]; missing: string[] }> {
  const folder = await mkdtemp(join(tmpdir(), 'bootwright-storm-'))
  putTestDatabase(folder)
  const loopback = {
    BOOTWRIGHT_DATA_DIR: folder,
    BOOTWRIGHT_BOOT_LISTEN: '127.0.0.1:0',
    BOOTWRIGHT_ADMIN_LISTEN: '127.0.0.1:0',
    BOOTWRIGHT_TFTP_LISTEN: '127.0.0.1:0',
  }
  const config = loadConfig({ ...loopback, ...env })
  const { addresses, stop } = await startServer(config, pino({ level: 'silent' }))
  onTestFinished(async () => {
    await stop()
    await rm(folder, { recursive: true, force: true })
  })
  const socket = addresses.adminSocket as string
  await enterSite(socket, machines, files)
  const port = (address: string | undefined) => Number(address?.replace(/^.*:/, ''))
  const server = { host: '127.0.0.1', httpPort: port(addresses.boot), tftpPort: port(addresses.tftp) }
  const release = holding ? await holdDownloads(socket, server.httpPort) : undefined
  const boots = await Promise.all(
    Array.from({ length: machines }, (_, n) =>
      bootFakeMachine(fakeMachine(n), server, { hashes: true, ...(release && { toldToWait: release }) }),
    ),
  )
  return { boots, missing: await missingRecords(socket, boots, files, nbp.length) }
}

/** Starts downloads by clients that read nothing, too large for the buffers of a connection. Returns a function that ends them. */
async function holdDownloads(socket: string, port: number): Promise<() => void> {
  const bytes = randomBytes(32 * 2 ** 20)
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  await put(socket, `/api/v1/files/${sha256}?name=big`, bytes)
  const holders = Array.from({ length: heldDownloads }, () => connect(port, '127.0.0.1'))
  for (const holder of holders) {
    holder.write(`GET /files/${sha256}/big HTTP/1.1\r\nHost: boot\r\n\r\n`)
    await once(holder, 'readable')
  }
  return () => {
    for (const holder of holders) holder.destroy()
  }
}

function expectWhole({ boots, missing }: { boots: FakeBoot[]; missing: string[] }): void {
  expect(boots.flatMap(({ error }) => error ?? [])).toEqual([])
  const steps = boots.flatMap((boot) => boot.steps)
  for (const [stage, bytes] of Object.entries({ nbp, ...files })) {
    const hashes = steps.filter((step) => step.stage === stage).map(({ sha256 }) => sha256)
    expect(new Set(hashes)).toEqual(new Set([createHash('sha256').update(bytes).digest('hex')]))
  }
  expect(missing).toEqual([])
}

test('eighty machines that are switched on at once all boot, without a wrong byte or a lost event', {
  timeout: limit,
}, async () => {
  const result = await storm(80, {})
  expectWhole(result)
  expect(result.boots.flatMap(({ steps }) => steps).filter(({ retries }) => retries > 0)).toEqual([])
})

test('machines that wait for a download slot boot as well, and their scripts and reports never wait', {
  timeout: limit,
}, async () => {
  const result = await storm(30, { BOOTWRIGHT_MAX_TRANSFERS: String(heldDownloads) }, true)
  expectWhole(result)
  const retried = new Set(
    result.boots.flatMap(({ steps }) => steps.filter(({ retries }) => retries > 0).map(({ stage }) => stage)),
  )
  expect(retried).toContain('kernel')
  expect([...retried].filter((stage) => stage !== 'kernel' && stage !== 'initrd')).toEqual([])
})
