// `bootwright dhcp-config`.
import { isIPv4 } from 'node:net'
import { Argument, type Command, InvalidArgumentError } from 'commander'
import { dhcpServerNames, dhcpServers } from '../../render/dhcp/servers.ts'
import { withQuery } from '../shell/client.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'

/** `bootwright dhcp-config`. */
export function addDhcpConfigCommand(program: Command, deps: CliDeps): void {
  const servers = Object.entries(dhcpServers).map(([name, what]) => `  ${name.padEnd(15)}${what}`)
  program
    .command('dhcp-config')
    .description("print a configuration for the site's own DHCP server, from the settings of this server")
    .addArgument(new Argument('<kind>', 'the DHCP server').choices(dhcpServerNames))
    .option('--server <address>', 'IPv4 address of the Bootwright server, as machines reach it', parseAddress)
    .addHelpText('after', `\nKinds:\n${servers.join('\n')}`)
    .action(async (kind: string, { server: address }: { server?: string }, command: Command) => {
      const path = withQuery(`/dhcp-config/${kind}`, { address })
      print(command, deps, await clientOf(command, deps).text(path), (text) => text.trimEnd())
    })
}

function parseAddress(text: string): string {
  if (!isIPv4(text)) throw new InvalidArgumentError('Expected an IPv4 address. Example: 192.168.1.10')
  return text
}
