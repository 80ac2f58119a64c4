// `bootwright servers`.
import type { Command } from 'commander'
import type { ForeignServer, ForeignServerList } from '../../api/schemas/system/foreign-server.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { formatTime } from '../shell/format.ts'
import { pathOf } from '../shell/path.ts'
import { formatTable } from '../shell/table.ts'

const headings = ['ADDRESS', 'ROLE', 'INTERFACE', 'FIRST SEEN', 'LAST SEEN', 'TIMES', 'BOOT FILE', 'ACKNOWLEDGED']
const noServers = 'no other DHCP or boot server was seen. Only proxyDHCP records them: docs/guide/foreign-servers.md'
const serverHelp = 'address or id of the server, as listed'

/** `bootwright servers`. */
export function addServersCommand(program: Command, deps: CliDeps): void {
  const servers = program
    .command('servers')
    .description('list DHCP and boot servers that were seen on the network and are not this one')
    .option('--new', 'only unacknowledged servers')
    .action(async ({ new: onlyNew }: { new?: true }, command: Command) => {
      const { items: all } = await listOf(command, deps)
      const items = all.filter(({ acknowledgedAt }) => !onlyNew || acknowledgedAt === undefined)
      print(command, deps, { items }, () => (items.length === 0 ? noServers : formatTable(headings, items.map(rowOf))))
    })

  servers
    .command('acknowledge')
    .description('set a server as acknowledged: it is expected on this network')
    .argument('<server>', serverHelp)
    .option('--note <text>', 'purpose of the server, for other operators')
    .action(async (server: string, { note }: { note?: string }, command: Command) => {
      const found = await find(command, deps, server)
      const client = clientOf(command, deps)
      const items = await Promise.all(
        found.map(({ id }) =>
          client.ask<ForeignServer>('POST', `${pathOf('foreign-servers', id)}/acknowledge`, note && { note }),
        ),
      )
      print(command, deps, { items }, () => items.map((item) => `acknowledged ${nameOf(item)}`).join('\n'))
    })

  servers
    .command('delete')
    .description('delete a server from the list; if it is seen again, it is new')
    .argument('<server>', serverHelp)
    .action(async (server: string, _options, command: Command) => {
      const items = await find(command, deps, server)
      for (const { id } of items) await clientOf(command, deps).ask('DELETE', pathOf('foreign-servers', id))
      print(command, deps, { items }, () => items.map((item) => `deleted ${nameOf(item)}`).join('\n'))
    })
}

function listOf(command: Command, deps: CliDeps): Promise<ForeignServerList> {
  return clientOf(command, deps).ask<ForeignServerList>('GET', '/foreign-servers')
}

/** The entries of a server: an address may have one for each role and interface. @throws Error if the list has no such server */
async function find(command: Command, deps: CliDeps, server: string): Promise<ForeignServer[]> {
  const { items } = await listOf(command, deps)
  const found = items.filter(({ id, address }) => id === server || address === server)
  if (found.length === 0) throw new Error(`no server ${server} on the list. To list all: bootwright servers`)
  return found
}

function rowOf(server: ForeignServer): string[] {
  return [
    server.address,
    server.role,
    server.interface ?? '',
    formatTime(server.firstSeenAt),
    formatTime(server.lastSeenAt),
    String(server.count),
    server.file ?? '',
    server.acknowledgedAt === undefined ? 'no' : (server.note ?? server.acknowledgedBy ?? 'yes'),
  ]
}

function nameOf({ address, role, interface: device }: ForeignServer): string {
  return `${address} (${role}${device === undefined ? '' : `, ${device}`})`
}
