// The proxyDHCP server: names the boot program beside a DHCP server that gives the addresses. Called by the server.
import type { Config } from '../config/config.ts'
import { createOwnAddresses } from './addresses.ts'
import { type DhcpInterface, openInterface } from './interface.ts'
import { createProxy, type ProxyParts } from './proxy.ts'
import type { Reply } from './reply.ts'

export type ProxyDhcp = { stop: () => Promise<void> }

/**
 * Answers firmware on the interfaces of the settings. Undefined if they name no interface.
 * @throws ConfigError if an interface does not exist, or if a port cannot be used
 */
export async function startProxyDhcp(config: Config['proxyDhcp'], parts: ProxyParts): Promise<ProxyDhcp | undefined> {
  if (config.interfaces.length === 0) return undefined
  const proxy = createProxy(config, parts)
  const opened: DhcpInterface[] = []
  const stop = async () => {
    proxy.stop()
    for (const socket of opened) socket.close()
  }
  try {
    for (const device of config.interfaces) {
      const send = (reply: Reply) => socket.send(reply)
      const network = { device, ownAddresses: createOwnAddresses(device), send }
      const socket = await openInterface(device, (datagram) => proxy.handle(datagram, network), parts.log)
      opened.push(socket)
    }
  } catch (error) {
    await stop()
    throw error
  }
  return { stop }
}
