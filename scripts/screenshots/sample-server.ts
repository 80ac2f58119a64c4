import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../../src/config/config.ts'
import { openLog } from '../../src/lib/log.ts'
import { startServer } from '../../src/server/server.ts'
import { boot, type Fate } from './fake-machine.ts'
import { type Ask, enterSample, sampleMachines } from './sample.ts'

/** A server on loopback with the inventory of a small machine room, whose machines have booted and are booting. */
export type SampleServer = {
  adminUrl: string
  bootUrl: string
  welcomeUrl: string
  ask: Ask
  stop: () => Promise<void>
}

const fates: Fate[] = ['installed', 'booted', 'booted', 'installed', 'failed', 'booted', 'installing', 'installed']

/** @param port of admin HTTP; 0 for any */
export async function startSampleServer(port = 0): Promise<SampleServer> {
  const folder = await mkdtemp(join(tmpdir(), 'bootwright-sample-'))
  const config = loadConfig({
    BOOTWRIGHT_DATA_DIR: folder,
    BOOTWRIGHT_BOOT_LISTEN: '127.0.0.1:0',
    BOOTWRIGHT_ADMIN_LISTEN: `127.0.0.1:${port}`,
    BOOTWRIGHT_TFTP_LISTEN: 'off',
    BOOTWRIGHT_DURABLE: 'no',
    BOOTWRIGHT_SITE_NAME: 'Lab Zürich',
    BOOTWRIGHT_LOG_LEVEL: 'silent',
  })
  const server = await startServer(config, openLog(config.log))
  const [adminUrl, bootUrl] = [`http://${server.addresses.admin}`, `http://${server.addresses.boot}`]
  const ask: Ask = async (method, path, body, type = 'application/json') => {
    const bytes =
      body === undefined || body instanceof Uint8Array || typeof body === 'string' ? body : JSON.stringify(body)
    const headers = {
      authorization: `Bearer ${server.adminToken}`,
      ...(body !== undefined && { 'content-type': type }),
    }
    const response = await fetch(`${adminUrl}/api/v1${path}`, {
      method,
      headers,
      ...(bytes !== undefined && { body: bytes as string }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return (response.headers.get('content-type')?.startsWith('application/json') ? JSON.parse(text) : text) as never
  }
  const machines = sampleMachines(30)
  await enterSample(ask, machines)
  const ended = new AbortController()
  for (let round = 0; round < 6; round += 1)
    await Promise.all(
      machines.map((machine, index) => {
        // A failure here and there, as in a real room.
        const fate = round < 5 && index % 11 !== 7 ? 'booted' : (fates[(index + round) % fates.length] ?? 'booted')
        return boot(bootUrl, machine, fate, ended.signal)
      }),
    )
  const slowMachines = machines.filter(({ hostname }) => ['web06', 'web12', 'web15'].includes(hostname))
  for (const { mac } of slowMachines) await ask('PATCH', `/machines/${mac}`, { assignment: { image: 'desktop' } })
  const slow = slowMachines.map((machine) => boot(bootUrl, machine, 'stuck', ended.signal))
  return {
    ...{ adminUrl, bootUrl, ask },
    welcomeUrl: server.welcomeUrl ?? adminUrl,
    stop: async () => {
      ended.abort()
      await Promise.allSettled(slow)
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
