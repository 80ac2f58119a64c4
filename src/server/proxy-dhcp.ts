// proxyDHCP: the listener for firmware that asks for its boot program by DHCP, and its switch.
import { readFile, rename, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { isIP } from 'node:net'
import { z } from 'zod'
import type { ProxyState, ProxySwitch } from '../api/system/server-facts.ts'
import type { Config } from '../config/config.ts'
import type { ProxyParts } from '../dhcp/proxy.ts'
import { type ProxyDhcp, startProxyDhcp } from '../dhcp/proxy-dhcp.ts'
import { listenerUrl } from '../lib/base-url.ts'
import { findInterfaceIndex } from '../lib/dhcp/device-socket.ts'
import { ConfigError, ConflictError, InputError, messageOf } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import { listInterfaces } from '../lib/net/own-addresses.ts'
import type { BootListener } from './boot-listener.ts'
import type { Data } from './data/data.ts'

const settingName = 'BOOTWRIGHT_PROXY_DHCP'
const savedSchema = z.object({ interfaces: z.array(z.string()) })

/** The switch of proxyDHCP, and its beginning and end with the server. */
export type RunningProxy = ProxySwitch & {
  /** Starts it on the interfaces of the environment, else on the saved ones. @throws ConfigError for those of the environment */
  start: () => Promise<void>
  stop: () => Promise<void>
}

/** @param tftpPort undefined if TFTP is not served */
export function createProxyDhcp(
  config: Config,
  { nbps, inventory, folder }: Pick<Data, 'nbps' | 'folder'> & Pick<ProxyParts, 'inventory'>,
  { address }: Pick<BootListener, 'address'>,
  tftpPort: number | undefined,
  log: Logger,
  metrics: Metrics,
): RunningProxy {
  const { baseUrl } = config.boot
  const fixed = config.proxyDhcp.interfaces
  let running: ProxyDhcp | undefined
  let state: ProxyState = { interfaces: fixed, source: fixed.length > 0 ? 'environment' : 'default' }
  let changing: Promise<unknown> = Promise.resolve()

  const run = async (interfaces: string[]) => {
    await running?.stop()
    running = undefined
    running = await startProxyDhcp(
      { ...config.proxyDhcp, interfaces },
      {
        ...{ nbps, inventory, log, metrics },
        urlsAt: (serverAddress) => {
          const addressUrl = addressUrlOf(baseUrl, address, serverAddress)
          return { addressUrl, baseUrl: baseUrl ?? addressUrl }
        },
        // Firmware has no setting for another port.
        servesTftp: tftpPort === 69,
      },
    )
    if (running !== undefined && isLoopback(address.address))
      log.warn(
        { address: address.address },
        'boot HTTP listens only for programs of this host, so iPXE cannot reach it',
      )
  }

  const change = async (interfaces: string[]): Promise<ProxyState> => {
    if (state.source === 'environment')
      throw new ConflictError(
        `${settingName} in the environment of the server sets the interfaces. Next step: remove it there and restart the server, or change it there`,
      )
    refuseUnknown(interfaces)
    const before = state.fault === undefined ? state.interfaces : []
    try {
      await run(interfaces)
    } catch (error) {
      await run(before).catch((again) => log.error({ error: messageOf(again) }, 'proxyDHCP could not continue'))
      throw new ConflictError(withoutSetting(error))
    }
    await writeSaved(folder.proxyDhcp, interfaces)
    state = { interfaces, source: interfaces.length > 0 ? 'saved' : 'default' }
    log.info({ interfaces }, 'proxyDHCP was switched')
    return state
  }

  return {
    state: () => state,
    set: (interfaces) => {
      const changed = changing.then(() => change([...new Set(interfaces)]))
      changing = changed.catch(() => {})
      return changed
    },
    start: async () => {
      if (state.source === 'environment') return run(fixed)
      const interfaces = await readSaved(folder.proxyDhcp)
      if (interfaces.length === 0) return
      state = { interfaces, source: 'saved' }
      // Without the operator at hand, the other parts of the server must start.
      await run(interfaces).catch((error) => {
        state = { ...state, fault: withoutSetting(error) }
        log.error({ interfaces, error: state.fault }, 'proxyDHCP does not answer')
      })
    },
    stop: async () => {
      await changing
      await running?.stop()
    },
  }
}

function refuseUnknown(interfaces: string[]): void {
  const names = listInterfaces().map(({ name }) => name)
  const faults = interfaces
    .map((name, index) => ({ name, field: `interfaces[${index}]` }))
    .filter(({ name }) => !/^[^\s/:]{1,15}$/.test(name) || findInterfaceIndex(name) === undefined)
    .map(({ name, field }) => ({ field, value: name, expected: `the name of an interface: ${names.join(', ')}` }))
  if (faults.length > 0) throw new InputError(faults)
}

async function readSaved(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch(() => '{"interfaces":[]}')
  try {
    return savedSchema.parse(JSON.parse(text)).interfaces
  } catch {
    throw new ConfigError(`${path}: expected {"interfaces": ["eth0"]}. Next step: delete the file, or correct it`)
  }
}

async function writeSaved(path: string, interfaces: string[]): Promise<void> {
  await writeFile(`${path}.new`, `${JSON.stringify({ interfaces })}\n`, { mode: 0o600, flush: true })
  await rename(`${path}.new`, path)
}

function withoutSetting(error: unknown): string {
  return messageOf(error).replace(`${settingName}: `, '')
}

/** The base URL with an IP address: from the setting if that has one, else the listener at an address of this server. */
function addressUrlOf(baseUrl: string | undefined, boot: AddressInfo, serverAddress: string): string {
  if (baseUrl !== undefined && isIP(new URL(baseUrl).hostname.replace(/^\[|\]$/g, '')) !== 0) return baseUrl
  return listenerUrl(boot, serverAddress)
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1'
}
