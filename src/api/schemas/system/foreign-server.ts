// Request and response schemas of DHCP and boot servers on the network.
import { z } from '@hono/zod-openapi'
import { foreignServerEvidences, foreignServerRoles } from '../../../model/foreign-server.ts'
import { moment, printable, uuidv7 } from '../common.ts'
import type { Given } from '../json.ts'

export const foreignServerSchema = z
  .object({
    id: uuidv7,
    address: z.string().openapi({ example: '192.0.2.1' }),
    role: z.enum(foreignServerRoles).openapi({
      description: 'dhcp: it gives addresses. boot: it names or serves boot programs, as a proxyDHCP server does.',
    }),
    interface: z
      .string()
      .optional()
      .openapi({ description: 'The interface on which it was last seen.', example: 'eth0' }),
    evidence: z.enum(foreignServerEvidences).openapi({
      description:
        'How it was last seen. request: a machine accepted its offer. Otherwise its own packet was received.',
    }),
    mac: z.string().optional(),
    vendor: z.string().optional(),
    file: z.string().optional().openapi({ description: 'The boot file that it named.' }),
    client: z.string().optional().openapi({ description: 'The MAC of the last machine that it answered.' }),
    count: z.int().openapi({ description: 'How often it was seen.' }),
    firstSeenAt: moment,
    lastSeenAt: moment,
    acknowledgedAt: moment.optional().openapi({ description: 'Absent until an operator acknowledges the server.' }),
    acknowledgedBy: z.string().optional(),
    note: z.string().optional(),
  })
  .openapi('ForeignServer', { description: 'A DHCP or boot server on the network that is not this one.' })
export type ForeignServer = Given<typeof foreignServerSchema>

export const foreignServerList = z.object({ items: z.array(foreignServerSchema) }).openapi('ForeignServerList')
export type ForeignServerList = Given<typeof foreignServerList>

export const foreignServerAcknowledge = z
  .strictObject({ note: printable(200).optional().openapi({ example: 'the router of building 3' }) })
  .openapi('ForeignServerAcknowledge')
