import { BlockList, isIP } from 'node:net'

/** True for `10.0.0.0/8` or `fd00::/8`: an address and a prefix length that fits its family. */
export function isSubnet(text: string): boolean {
  const [address = '', prefix = '', ...rest] = text.split('/')
  const family = isIP(address)
  const most = family === 6 ? 128 : 32
  return family !== 0 && rest.length === 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= most
}

/** A test of addresses against subnets (`10.0.0.0/8`, …); with no subnets every address passes. */
export function subnetTest(subnets: string[]): (address: string) => boolean {
  if (subnets.length === 0) return () => true
  const list = new BlockList()
  for (const subnet of subnets) {
    const [address = '', prefix = ''] = subnet.split('/')
    list.addSubnet(address, Number(prefix), isIP(address) === 6 ? 'ipv6' : 'ipv4')
  }
  return (address) => isIP(address) !== 0 && list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
}
