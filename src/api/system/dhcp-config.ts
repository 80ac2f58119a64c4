// /dhcp-config: configurations for the site's own DHCP server.
import { z } from '@hono/zod-openapi'
import { describeSite } from '../../decide/dhcp-site.ts'
import { renderDhcpConfig } from '../../render/dhcp/render.ts'
import { dhcpServerNames, dhcpServers } from '../../render/dhcp/servers.ts'
import { endpoint } from '../http/endpoint.ts'
import { dhcpConfigParams, dhcpConfigQuery, dhcpServerList } from '../schemas/system/dhcp-config.ts'

export const list = endpoint({
  operationId: 'listDhcpServers',
  action: 'dhcp.read',
  scope: 'any',
  summary: 'List the DHCP servers for which GET /dhcp-config/{server} has a configuration',
  returns: dhcpServerList,
  statuses: { 200: 'The servers' },
  answer: async () => ({
    status: 200,
    body: { items: dhcpServerNames.map((name) => ({ name, meaning: dhcpServers[name] })) },
  }),
})

export const get = endpoint({
  operationId: 'getDhcpConfig',
  action: 'dhcp.read',
  summary: 'Get a configuration for the DHCP server of the site',
  description:
    'The text is complete and commented. It names the boot program for each kind of firmware by DHCP option 93. Only programs that this server has are in it. Machines with a boot program of their own have lines of their own.',
  params: dhcpConfigParams,
  query: dhcpConfigQuery,
  returns: z.string().openapi({ example: 'dhcp-match=set:bootwright-ipxe,175\n' }),
  returnsType: 'text/plain',
  statuses: { 200: 'The configuration' },
  answer: async (deps, { params: { server }, query: { address } }) => ({
    status: 200,
    body: renderDhcpConfig(server, await describeSite(deps, address)),
  }),
})
