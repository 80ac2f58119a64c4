import { createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { loadConfig } from '../../src/config.ts'
import { programDir } from '../../src/paths.ts'
import { type RunningServer, startServer } from '../../src/server.ts'
import { bootFakeMachine } from '../helpers/fake-machine.ts'
import { enterSite, fakeMachine, missingRecords } from '../helpers/fake-site.ts'

const machines = 100
const files = { kernel: randomBytes(300_001), initrd: randomBytes(1_000_003) }
const sha256 = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

let folder: string
let server: RunningServer
let socket: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bootwright-storm-'))
  const env = {
    BOOTWRIGHT_DATA_DIR: folder,
    BOOTWRIGHT_BOOT_LISTEN: '127.0.0.1:0',
    BOOTWRIGHT_ADMIN_LISTEN: '127.0.0.1:0',
    BOOTWRIGHT_TFTP_LISTEN: '127.0.0.1:0',
  }
  server = await startServer(loadConfig(env, join(programDir, 'ipxe/nbp')), pino({ level: 'silent' }))
  socket = server.addresses.adminSocket as string
  await enterSite(socket, machines, files)
})
afterAll(async () => {
  await server?.stop()
  await rm(folder, { recursive: true, force: true })
})

test('a hundred machines that are switched on at once all boot: no byte is wrong, and no event is lost', async () => {
  const port = (address: string | undefined) => Number(address?.replace(/^.*:/, ''))
  const at = { host: '127.0.0.1', httpPort: port(server.addresses.boot), tftpPort: port(server.addresses.tftp) }
  const nbp = await readFile(join(programDir, 'ipxe/nbp/ipxe.efi'))
  const boots = await Promise.all(
    Array.from({ length: machines }, (_, n) => bootFakeMachine(fakeMachine(n), at, { hashes: true })),
  )
  expect(boots.flatMap(({ error }) => error ?? [])).toEqual([])
  const hashes = (stage: string) =>
    new Set(boots.flatMap(({ steps }) => steps.filter((one) => one.stage === stage).map((one) => one.sha256)))
  expect(hashes('nbp')).toEqual(new Set([sha256(nbp)]))
  expect(hashes('kernel')).toEqual(new Set([sha256(files.kernel)]))
  expect(hashes('initrd')).toEqual(new Set([sha256(files.initrd)]))
  expect(await missingRecords(socket, boots, files, nbp.length)).toEqual([])
}, 60_000)
