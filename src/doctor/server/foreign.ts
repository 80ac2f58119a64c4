// The standing list of DHCP and boot servers that are not this one.
import { listForeignServers } from '../../inventory/system/foreign-servers.ts'
import { type Finding, fault, pass } from '../finding.ts'
import type { ServerContext } from './context.ts'

export async function checkForeignServers({ db, proxyDhcp }: ServerContext): Promise<Finding[]> {
  const servers = await listForeignServers(db)
  const subject = { check: 'foreign servers', where: 'the networks of the server' }
  const open = servers.filter(({ acknowledgedAt }) => acknowledgedAt === null)
  if (servers.length === 0 && proxyDhcp.length === 0)
    return [pass(subject, 'none recorded: only proxyDHCP records them, and it is off')]
  if (open.length === 0)
    return [pass(subject, servers.length === 0 ? 'none seen' : `${servers.length} seen, all acknowledged`)]
  return open
    .slice(0, 20)
    .map(({ address, role, interface: device, firstSeenAt, lastSeenAt, count }) =>
      fault(
        { check: 'foreign servers', where: device || 'the network' },
        'BW-FOREIGN-SERVER',
        `${role === 'dhcp' ? 'DHCP server' : 'boot server'} ${address}, seen ${count} times from ${dayOf(firstSeenAt)} to ${dayOf(lastSeenAt)}`,
        { state: 'warning' },
      ),
    )
}

function dayOf(time: Date): string {
  return `${time.toISOString().slice(0, 16).replace('T', ' ')}Z`
}
