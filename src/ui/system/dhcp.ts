// /setup/dhcp: the text for the DHCP server of the site, and the switch of proxyDHCP.
import type { DhcpServerList } from '../../api/schemas/system/dhcp-config.ts'
import type { About, InterfaceList, ProxyDhcp } from '../../api/schemas/system/server.ts'
import { pathOf, type RefusedError, withQuery } from '../http/client.ts'
import type { Page, PageHandler, Visit } from '../http/visit.ts'
import { submit } from '../http/visit.ts'

export const dhcp: PageHandler = async (visit) => dhcpPage(visit)

async function dhcpPage({ api, query }: Visit, refusal?: RefusedError): Promise<Page> {
  const server = query.get('server') ?? 'dnsmasq'
  const address = query.get('address')
  const path = withQuery(pathOf('dhcp-config', server), { address })
  const [{ items: servers }, text, about, { items: interfaces }] = await Promise.all([
    api.ask<DhcpServerList>('GET', '/dhcp-config'),
    api.text(path),
    api.ask<About>('GET', '/about'),
    api.ask<InterfaceList>('GET', '/interfaces'),
  ])
  const addresses = interfaces
    .filter(({ loopback }) => !loopback)
    .flatMap((own) => own.addresses.filter(({ family }) => family === 'IPv4').map((each) => each.address))
  const data = { servers, server, address, addresses, text, about, interfaces, refusal, tab: 'dhcp' }
  const cli = ['dhcp-config', server, ...(address === undefined ? [] : ['--server', address])].join(' ')
  const chosen = interfaces.find(({ loopback, inside }) => !loopback && !inside)?.name ?? 'eth0'
  return {
    view: 'setup/dhcp',
    title: 'DHCP',
    data,
    commands: [
      { title: 'Get this text', path, cli },
      {
        ...{ title: 'Switch proxyDHCP on', method: 'PUT', path: '/proxy-dhcp' },
        ...{ body: { interfaces: [chosen] }, cli: `proxy-dhcp on ${chosen}` },
      },
    ],
  }
}

export const switchProxyDhcp: PageHandler = async (visit) =>
  submit(
    async () => {
      const chosen = visit.form.all('interface')
      const { interfaces } = await visit.api.ask<ProxyDhcp>('PUT', '/proxy-dhcp', { interfaces: chosen })
      const notice =
        interfaces.length === 0 ? 'proxyDHCP is off.' : `proxyDHCP answers firmware on ${interfaces.join(', ')}.`
      return { redirect: visit.form.get('from') === 'guide' ? '/setup#dhcp' : '/setup/dhcp#proxy-dhcp', notice }
    },
    (refusal) => dhcpPage(visit, refusal),
  )
