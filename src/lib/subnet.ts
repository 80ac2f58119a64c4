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

/** An IPv4 address in its own form, also where the listener is dual-stack. */
export function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/, '')
}

/** An address as the subnet of that address alone; anything else as it is. */
export function asSubnet(text: string): string {
  return isIP(text) === 0 ? text : `${text}/${isIP(text) === 6 ? 128 : 32}`
}

/** A test of addresses against the subnets of trusted proxies; with none, no address passes. */
export function proxyTest(subnets: string[]): (address: string) => boolean {
  return subnets.length === 0 ? () => false : subnetTest(subnets)
}

/**
 * What stands for a client where clients share something: its IPv4 address, or the /64 of its IPv6 address, all of which one
 * host can take. Link-local addresses have one /64 for a whole network, so they stand for themselves.
 */
export function sharerOf(address: string): string {
  const plain = address.replace(/^::ffff:/i, '').replace(/%.*$/, '')
  if (isIP(plain) !== 6 || /^fe[89ab]/i.test(plain)) return plain
  const [head = [], tail] = plain.split('::').map((groups) => groups.split(':').filter(Boolean))
  const zeros = tail === undefined ? [] : Array<string>(8 - head.length - tail.length).fill('0')
  return `${[...head, ...zeros].slice(0, 4).join(':')}::/64`
}
