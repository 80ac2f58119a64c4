// Request schemas of DHCP configurations.
import { z } from '@hono/zod-openapi'
import { dhcpServerNames, dhcpServers } from '../../../render/dhcp/servers.ts'
import type { Given } from '../json.ts'

export const dhcpConfigParams = z.object({
  server: z.enum(dhcpServerNames).openapi({
    description: `The DHCP server of the site. ${Object.entries(dhcpServers)
      .map(([name, what]) => `\`${name}\`: ${what}`)
      .join('; ')}.`,
  }),
})

export const dhcpConfigQuery = z.strictObject({
  address: z.ipv4({ error: 'an IPv4 address' }).optional().openapi({
    example: '192.168.1.10',
    description:
      'The address of this server, as machines reach it. It is also in the URLs, unless BOOTWRIGHT_BASE_URL is set. Without it, the server chooses, and names the other addresses in a comment.',
  }),
})

export const dhcpServerList = z
  .object({
    items: z.array(
      z
        .object({
          name: z.enum(dhcpServerNames),
          meaning: z.string().openapi({ example: 'dnsmasq beside another DHCP server' }),
        })
        .openapi('DhcpServer'),
    ),
  })
  .openapi('DhcpServerList')
export type DhcpServerList = Given<typeof dhcpServerList>
