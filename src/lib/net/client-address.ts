// The client's address behind trusted proxies. Pure.
import type { IncomingHttpHeaders } from 'node:http'
import { isIP } from 'node:net'

/**
 * The address of the client behind trusted proxies: the last address in `Forwarded` (RFC 7239) or `X-Forwarded-For` that is
 * not a trusted proxy. A client can forge the addresses before it. A proxy fills in one of the headers, and may pass on the
 * other as the client wrote it. If the headers differ, both are ignored, and the proxy's address is used.
 * @param peer the address at the other end of the connection
 */
export function clientAddressOf(
  peer: string,
  headers: IncomingHttpHeaders,
  isTrustedProxy: (address: string) => boolean,
): string {
  if (!isTrustedProxy(peer)) return peer
  const { forwarded, 'x-forwarded-for': forwardedFor } = headers
  const lists = [
    ...(forwarded === undefined ? [] : [forwarded.split(',').map(forOf)]),
    ...(forwardedFor === undefined ? [] : [String(forwardedFor).split(',')]),
  ]
  const nearest = lists.map((list) => nearestClient(list.map(addressIn), isTrustedProxy))
  const [address] = nearest
  return address !== undefined && nearest.every((other) => other === address) ? address : peer
}

/** Undefined if a proxy hides the address: `unknown`, or an obfuscated name (RFC 7239, 6). */
function nearestClient(
  addresses: (string | undefined)[],
  isTrustedProxy: (address: string) => boolean,
): string | undefined {
  let nearest: string | undefined
  for (const address of addresses.reverse()) {
    nearest = address
    if (address === undefined || !isTrustedProxy(address)) break
  }
  return nearest
}

function forOf(element: string): string {
  const pairs = element.split(';').map((pair) => /^\s*for\s*=\s*"?([^"]*)"?\s*$/i.exec(pair)?.[1])
  return pairs.find((value) => value !== undefined) ?? ''
}

/** The address in `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1` or `[2001:db8::1]:80`. */
function addressIn(text: string): string | undefined {
  const plain = text
    .trim()
    .replace(/^\[(.*)\](:\d+)?$/, '$1')
    .replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, '$1')
  const address = plain.replace(/^::ffff:(?=\d+\.)/i, '')
  return isIP(address) === 0 ? undefined : address.toLowerCase()
}
