// proxyDHCP: the listener for firmware that asks for its boot program by DHCP.
import type { AddressInfo } from 'node:net'
import { isIP } from 'node:net'
import type { Config } from '../config/config.ts'
import { startProxyDhcp } from '../dhcp/proxy-dhcp.ts'
import { listenerUrl } from '../lib/base-url.ts'
import type { Logger } from '../lib/log.ts'
import type { Metrics } from '../lib/metrics.ts'
import type { BootListener } from './boot-listener.ts'
import type { Closers } from './closers.ts'
import type { Data } from './data/data.ts'

/**
 * Starts proxyDHCP, and returns its interfaces; undefined if it is off.
 * @param tftpPort undefined if TFTP is not served
 * @throws ConfigError if an interface does not exist, or if a port cannot be used
 */
export async function openProxyDhcp(
  config: Config,
  { nbps, inventory }: Data,
  { address }: BootListener,
  tftpPort: number | undefined,
  log: Logger,
  metrics: Metrics,
  closers: Closers,
): Promise<string | undefined> {
  const { baseUrl } = config.boot
  const proxy = await startProxyDhcp(config.proxyDhcp, {
    ...{ nbps, inventory, log, metrics },
    urlsAt: (serverAddress) => {
      const addressUrl = addressUrlOf(baseUrl, address, serverAddress)
      return { addressUrl, baseUrl: baseUrl ?? addressUrl }
    },
    // Firmware has no setting for another port.
    servesTftp: tftpPort === 69,
  })
  if (proxy === undefined) return undefined
  closers.add(proxy.stop)
  if (isLoopback(address.address))
    log.warn({ address: address.address }, 'boot HTTP listens only for programs of this host, so iPXE cannot reach it')
  return config.proxyDhcp.interfaces.join(', ')
}

/** The base URL with an IP address: from the setting if that has one, else the listener at an address of this server. */
function addressUrlOf(baseUrl: string | undefined, boot: AddressInfo, serverAddress: string): string {
  if (baseUrl !== undefined && isIP(new URL(baseUrl).hostname.replace(/^\[|\]$/g, '')) !== 0) return baseUrl
  return listenerUrl(boot, serverAddress)
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1'
}
