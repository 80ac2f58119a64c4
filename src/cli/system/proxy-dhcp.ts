// `bootwright proxy-dhcp`.
import type { Command } from 'commander'
import type { ProxyDhcp } from '../../api/schemas/system/server.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'

/** `bootwright proxy-dhcp`. */
export function addProxyDhcpCommand(program: Command, deps: CliDeps): void {
  const proxy = program
    .command('proxy-dhcp')
    .description('show on which interfaces of the server proxyDHCP answers')
    .action(async (_options, command: Command) => {
      print(command, deps, await clientOf(command, deps).ask<ProxyDhcp>('GET', '/proxy-dhcp'), formatState)
    })
  const change = async (interfaces: string[], command: Command) => {
    const state = await clientOf(command, deps).ask<ProxyDhcp>('PUT', '/proxy-dhcp', { interfaces })
    print(command, deps, state, formatState)
  }
  proxy
    .command('on')
    .description('answer on these interfaces only, at once and after each restart')
    .argument('<interface...>', 'name of an interface of the server, such as eth0')
    .action((interfaces: string[], _options, command: Command) => change(interfaces, command))
  proxy
    .command('off')
    .description('answer on no interface')
    .action((_options, command: Command) => change([], command))
}

function formatState({ interfaces, source, fault }: ProxyDhcp): string {
  if (interfaces.length === 0) return 'proxyDHCP is off; to switch it on: bootwright proxy-dhcp on INTERFACE'
  const chosen = source === 'environment' ? ', set by BOOTWRIGHT_PROXY_DHCP' : ''
  const where = interfaces.join(', ')
  return fault === undefined
    ? `proxyDHCP is on: ${where}${chosen}`
    : `proxyDHCP does not answer on ${where}${chosen}: ${fault}`
}
