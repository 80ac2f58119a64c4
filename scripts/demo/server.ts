import { loadConfig } from '../../src/config/config.ts'

/**
 * The base URL at which a machine behind QEMU's user network reaches boot HTTP of this computer. There 10.0.2.2 is the
 * computer's loopback address (QEMU's documentation, "Using the user mode network stack"). Other addresses do not change.
 * @throws Error with the reason and the next step, if no server can be reached
 */
export async function findBootServer(env: Record<string, string | undefined>, port?: number): Promise<string> {
  const config = loadConfig(env).boot
  const { host } = config.listen
  if (host.includes(':') && host !== '::') {
    throw new Error(
      `boot HTTP listens on the IPv6 address ${host}, but the demo's network has only IPv4. Set BOOTWRIGHT_BOOT_LISTEN to an IPv4 address`,
    )
  }
  const loopback = ['0.0.0.0', '::', '127.0.0.1', 'localhost'].includes(host)
  const address = `${loopback ? '127.0.0.1' : host}:${port ?? config.listen.port}`
  const url = `http://${address}/healthz`
  const answer = await fetch(url, { signal: AbortSignal.timeout(5000) }).catch(() => undefined)
  if (answer === undefined) {
    throw new Error(
      `no server answers at ${url}. Start it in another terminal: npm start. For another port: --port PORT`,
    )
  }
  if (answer.status === 403) {
    throw new Error(`the server refuses ${address}: BOOTWRIGHT_BOOT_SUBNETS must include this address`)
  }
  if (!answer.ok)
    throw new Error(`the server at ${url} is not well: ${answer.status} ${(await answer.text()).slice(0, 200)}`)
  if (config.baseUrl !== undefined && port === undefined) return config.baseUrl
  return `http://${loopback ? `10.0.2.2:${port ?? config.listen.port}` : address}`
}
