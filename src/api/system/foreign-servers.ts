// /foreign-servers: DHCP and boot servers on the network that are not this one.
import { z } from '@hono/zod-openapi'
import { acknowledgeServer, forgetServer, listForeignServers } from '../../inventory/system/foreign-servers.ts'
import type { ForeignServer } from '../../model/foreign-server.ts'
import { endpoint } from '../http/endpoint.ts'
import { withoutNulls } from '../http/page.ts'
import { uuidv7 } from '../schemas/common.ts'
import { foreignServerAcknowledge, foreignServerList, foreignServerSchema } from '../schemas/system/foreign-server.ts'

export const list = endpoint({
  operationId: 'listForeignServers',
  action: 'system.read',
  summary: 'List DHCP and boot servers that were seen on the network and are not this one',
  description: 'Unacknowledged servers come first. At most 1000 servers are kept.',
  returns: foreignServerList,
  statuses: { 200: 'The servers' },
  answer: async ({ db }) => ({ status: 200, body: { items: (await listForeignServers(db)).map(viewOf) } }),
})

export const acknowledge = endpoint({
  operationId: 'acknowledgeForeignServer',
  action: 'foreign-servers.edit',
  summary: 'Set a server as acknowledged: it is expected on this network',
  params: z.object({ id: uuidv7 }),
  body: foreignServerAcknowledge,
  bodyOptional: true,
  returns: foreignServerSchema,
  statuses: { 200: 'The server' },
  answer: async ({ db }, { params: { id }, body: { note }, by }) => ({
    status: 200,
    body: viewOf(await acknowledgeServer(db, id, note, by)),
  }),
})

export const remove = endpoint({
  operationId: 'deleteForeignServer',
  action: 'foreign-servers.edit',
  summary: 'Delete a server from the list. If it is seen again, it is new',
  params: z.object({ id: uuidv7 }),
  statuses: { 204: 'Server deleted' },
  answer: async ({ db }, { params: { id }, by }) => {
    await forgetServer(db, id, by)
    return { status: 204 }
  },
})

function viewOf({ interface: device, ...server }: ForeignServer) {
  return { ...withoutNulls(server), ...(device !== '' && { interface: device }) }
}
