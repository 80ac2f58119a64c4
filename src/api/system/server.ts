// /about, /settings, /interfaces and /proxy-dhcp: the running server.
import { recordChanges } from '../../inventory/changes/changes.ts'
import { baseUrlAt, listenerUrl } from '../../lib/base-url.ts'
import { listInterfaces } from '../../lib/net/own-addresses.ts'
import { readVersion } from '../../lib/program-dir.ts'
import { type AdminDeps, endpoint } from '../http/endpoint.ts'
import { aboutSchema, interfaceList, proxyDhcpPut, proxyDhcpState, settingList } from '../schemas/system/server.ts'

export const about = endpoint({
  operationId: 'getAbout',
  action: 'system.read',
  scope: 'any',
  summary: 'Get the version, the site name and the listeners of the server',
  returns: aboutSchema,
  statuses: { 200: 'The server' },
  answer: async ({ server, network }) => {
    const { startedAt, siteName, database, tftpListening, proxyDhcp } = server
    return {
      status: 200,
      body: {
        ...{ version: readVersion(), node: process.version, startedAt, database },
        ...(siteName !== undefined && { siteName }),
        uptimeSeconds: Math.floor((Date.now() - startedAt.getTime()) / 1000),
        bootUrls: bootUrlsOf(network),
        tftp: {
          ...(tftpListening !== undefined && { listening: tftpListening }),
          ...(network.tftpPort !== undefined && { port: network.tftpPort }),
        },
        proxyDhcp: proxyDhcp.state(),
      },
    }
  },
})

export const settings = endpoint({
  operationId: 'listSettings',
  action: 'settings.read',
  summary: 'List the current settings, and where each value comes from',
  description:
    'Asterisks replace secrets, and passwords in URLs. A changed environment applies after a restart of the server.',
  returns: settingList,
  statuses: { 200: 'The settings' },
  answer: async ({ server }) => ({ status: 200, body: { items: server.settings } }),
})

export const interfaces = endpoint({
  operationId: 'listInterfaces',
  action: 'dhcp.read',
  summary: 'List the network interfaces of the server that have an address, the likeliest for machines first',
  returns: interfaceList,
  statuses: { 200: 'The interfaces' },
  answer: async ({ server }) => {
    const on = server.proxyDhcp.state().interfaces
    return {
      status: 200,
      body: { items: listInterfaces().map((own) => ({ ...own, proxyDhcp: on.includes(own.name) })) },
    }
  },
})

export const proxyDhcp = endpoint({
  operationId: 'getProxyDhcp',
  action: 'dhcp.read',
  summary: 'Get the interfaces on which proxyDHCP answers',
  returns: proxyDhcpState,
  statuses: { 200: 'The interfaces, and who chose them' },
  answer: async ({ server }) => ({ status: 200, body: server.proxyDhcp.state() }),
})

export const switchProxyDhcp = endpoint({
  operationId: 'putProxyDhcp',
  action: 'settings.edit',
  summary: 'Switch proxyDHCP on or off',
  description:
    'The change applies at once, and after each restart of this server. The answer is a conflict (409) if BOOTWRIGHT_PROXY_DHCP is set, or if a port of DHCP cannot be used; then nothing changes.',
  body: proxyDhcpPut,
  returns: proxyDhcpState,
  statuses: { 200: 'proxyDHCP answers on these interfaces' },
  answer: async ({ server, db }, { body, by }) => {
    const before = { interfaces: server.proxyDhcp.state().interfaces }
    const state = await server.proxyDhcp.set(body.interfaces)
    const change = { actor: by, type: 'proxy-dhcp.changed' as const, subject: 'proxy-dhcp', before }
    await db.transaction((tx) => recordChanges(tx, [{ ...change, after: { interfaces: state.interfaces } }]))
    return { status: 200, body: state }
  },
})

function bootUrlsOf({ baseUrl, boot, ownAddresses }: AdminDeps['network']): string[] {
  if (baseUrl !== undefined) return [baseUrl]
  const own = listenerUrl(boot, undefined)
  return own === undefined ? ownAddresses().map((address) => baseUrlAt(address, boot.port)) : [own]
}
