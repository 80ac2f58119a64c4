// IP addresses and subnets.
import { BlockList, isIP } from 'node:net'

/** Whether a text is an IPv4 address. */
export function isIpv4(text: string): boolean {
  return isIP(text) === 4
}

/** Whether an IPv4 address may be that of another computer: neither loopback, nor `0.0.0.0`, a group or a broadcast. */
export function isHostAddress(address: string): boolean {
  const first = Number(address.split('.')[0])
  return isIpv4(address) && first > 0 && first < 224 && first !== 127
}

/**
 * Whether a text is a subnet such as `10.0.0.0/8` or `fd00::/8`: an address and a prefix length that its family allows.
 */
export function isSubnet(text: string): boolean {
  const [address = '', prefix = '', ...extraParts] = text.split('/')
  const family = isIP(address)
  const maxPrefix = family === 6 ? 128 : 32
  return family !== 0 && extraParts.length === 0 && /^\d{1,3}$/.test(prefix) && Number(prefix) <= maxPrefix
}

/** Returns a test for addresses in these subnets (`10.0.0.0/8`, …). Without subnets, every address passes. */
export function subnetTest(subnets: string[]): (address: string) => boolean {
  if (subnets.length === 0) return () => true
  const list = new BlockList()
  const ranges: { first: number; last: number }[] = []
  for (const subnet of subnets) {
    const [address = '', prefix = ''] = subnet.split('/')
    const number = ipv4Number(address)
    const size = 2 ** (32 - Number(prefix))
    if (number !== undefined)
      ranges.push({ first: number - (number % size), last: number - (number % size) + size - 1 })
    list.addSubnet(address, Number(prefix), number === undefined ? 'ipv6' : 'ipv4')
  }
  const isOnlyIpv4 = ranges.length === subnets.length
  return (address) => {
    // A BlockList takes 1 µs for an address, and every script may compare its address with hundreds of subnets.
    const number = isOnlyIpv4 ? ipv4Number(address) : undefined
    if (number !== undefined) return ranges.some(({ first, last }) => number >= first && number <= last)
    return isIP(address) !== 0 && list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4')
  }
}

/** An IPv4 address as a number; undefined for any other text, also for one with a leading zero. */
function ipv4Number(text: string): number | undefined {
  let number = 0
  let dots = 0
  let octet: number | undefined
  for (let at = 0; at < text.length; at++) {
    const character = text.charCodeAt(at)
    if (character === dot) {
      if (octet === undefined) return undefined
      number = number * 256 + octet
      dots += 1
      octet = undefined
    } else {
      const digit = character - zero
      if (digit < 0 || digit > 9 || octet === 0) return undefined
      octet = octet === undefined ? digit : octet * 10 + digit
      if (octet > 255) return undefined
    }
  }
  return dots === 3 && octet !== undefined ? number * 256 + octet : undefined
}

const dot = '.'.charCodeAt(0)
const zero = '0'.charCodeAt(0)

/** An address without the prefix `::ffff:`, with which a dual-stack listener reports IPv4 addresses. */
export function plainAddress(address: string | undefined): string {
  return (address ?? '').replace(/^::ffff:/, '')
}

/** An address as a subnet of one address; any other text unchanged. */
export function asSubnet(text: string): string {
  return isIP(text) === 0 ? text : `${text}/${isIP(text) === 6 ? 128 : 32}`
}

/** Returns a test for addresses of trusted proxies. Without subnets, no address passes. */
export function proxyTest(subnets: string[]): (address: string) => boolean {
  return subnets.length === 0 ? () => false : subnetTest(subnets)
}

/**
 * The key of a client for limits per client: its IPv4 address, or the /64 of its IPv6 address. One host can use a whole
 * /64. A link-local IPv6 address is its own key, because all link-local addresses of a network are in the same /64.
 */
export function sharerOf(address: string): string {
  const plain = address.replace(/^::ffff:/i, '').replace(/%.*$/, '')
  if (isIP(plain) !== 6 || /^fe[89ab]/i.test(plain)) return plain
  const [head = [], tail] = plain.split('::').map((groups) => groups.split(':').filter(Boolean))
  const zeros = tail === undefined ? [] : Array<string>(8 - head.length - tail.length).fill('0')
  return `${[...head, ...zeros].slice(0, 4).join(':')}::/64`
}
