import { join } from 'node:path'
import { loadConfig } from '../../src/config/config.ts'
import { programDir } from '../../src/lib/program-dir.ts'

/**
 * The base URL at which a machine behind QEMU's user network reaches boot HTTP of this computer: 10.0.2.2 is the loopback
 * address of the computer (QEMU's documentation, "Using the user mode network stack"); any other address is itself.
 * @throws Error that says why there is none, and what to do
 */
export async function findBootServer(env: Record<string, string | undefined>, port?: number): Promise<string> {
  const config = loadConfig(env, join(programDir, 'ipxe/nbp'))
  const { host } = config.bootListen
  if (host.includes(':') && host !== '::') {
    throw new Error(`boot HTTP listens on ${host} only, and the network of the demo's machine has IPv4 only`)
  }
  const loopback = ['0.0.0.0', '::', '127.0.0.1', 'localhost'].includes(host)
  const address = `${loopback ? '127.0.0.1' : host}:${port ?? config.bootListen.port}`
  const url = `http://${address}/healthz`
  const answer = await fetch(url, { signal: AbortSignal.timeout(5000) }).catch(() => undefined)
  if (answer === undefined) {
    throw new Error(
      `no server answers at ${url}. Start it in another terminal: npm start. If it listens elsewhere: --port PORT`,
    )
  }
  if (answer.status === 403) {
    throw new Error(
      `the server refuses ${address}: BOOTWRIGHT_BOOT_SUBNETS has to include the address that the demo asks from`,
    )
  }
  if (!answer.ok)
    throw new Error(`the server at ${url} is not well: ${answer.status} ${(await answer.text()).slice(0, 200)}`)
  if (config.baseUrl !== undefined && port === undefined) return config.baseUrl
  return `http://${loopback ? `10.0.2.2:${port ?? config.bootListen.port}` : address}`
}
