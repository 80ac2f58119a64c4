// Host names and URLs: which texts are valid, and how a URL is written.
import { isIP } from 'node:net'

/** An underscore is valid here: DNS forbids it in host names, but Docker Compose and hosts files use it. */
const hostPattern = /^([a-z0-9_][a-z0-9._-]{0,252}|\[[0-9a-f:.]{2,45}\])(?::(\d{1,5}))?$/i

/** Whether a text is a host name, an IPv4 address or an IPv6 address in brackets, with or without a port. */
export function isHost(text: string): boolean {
  const [, host = '', port = '80'] = hostPattern.exec(text) ?? []
  return host !== '' && Number(port) <= 65_535 && (!host.startsWith('[') || isIP(host.slice(1, -1)) === 6)
}

/** Whether a text is `http://host[:port]` without a path. */
export function isBaseUrl(text: string): boolean {
  return /^https?:\/\//i.test(text) && isHost(text.replace(/^https?:\/\//i, '')) && URL.canParse(text)
}

/** A URL without its user name, password, query and fragment, because each of them may be secret. */
export function redactUrl(url: string | URL): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}

/**
 * `http://address:port` for the address of a socket. `::ffff:192.0.2.1`, an IPv4 address in IPv6 form, becomes
 * `192.0.2.1`.
 */
export function baseUrlAt(address: string, port: number): string {
  const plain = address.replace(/^::ffff:/i, '').replace(/%.*$/, '')
  return `http://${isIP(plain) === 6 ? `[${plain}]` : plain}:${port}`
}

/**
 * The URL of a listener for clients that reach this computer at an address. Undefined if that address is unknown, and the listener
 * is on all addresses.
 */
export function listenerUrl(listener: { address: string; port: number }, reached: string): string
export function listenerUrl(
  listener: { address: string; port: number },
  reached: string | undefined,
): string | undefined
export function listenerUrl({ address, port }: { address: string; port: number }, reached: string | undefined) {
  const host = address === '0.0.0.0' || address === '::' ? reached : address
  return host === undefined ? undefined : baseUrlAt(host, port)
}
