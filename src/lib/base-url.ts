import { isIP } from 'node:net'

/** Names may have an underscore, which DNS does not, but Docker Compose and hosts files do. */
const hostPattern = /^([a-z0-9_][a-z0-9._-]{0,252}|\[[0-9a-f:.]{2,45}\])(?::(\d{1,5}))?$/i

/** Whether a text is a host name or an address, IPv6 in brackets, with a port or without. */
export function isHost(text: string): boolean {
  const [, host = '', port = '80'] = hostPattern.exec(text) ?? []
  return host !== '' && Number(port) <= 65_535 && (!host.startsWith('[') || isIP(host.slice(1, -1)) === 6)
}

/** Whether a text is `http://host[:port]` without a path. */
export function isBaseUrl(text: string): boolean {
  return /^https?:\/\//i.test(text) && isHost(text.replace(/^https?:\/\//i, '')) && URL.canParse(text)
}

/** A URL without user name, password, query and fragment, which may be secret. */
export function redactUrl(url: string | URL): string {
  const { origin, pathname } = new URL(url)
  return `${origin}${pathname}`
}

/** `http://address:port` of an address as sockets tell it; an IPv4 address in its own form, also where it came in IPv6. */
export function baseUrlAt(address: string, port: number): string {
  const plain = address.replace(/^::ffff:/i, '').replace(/%.*$/, '')
  return `http://${isIP(plain) === 6 ? `[${plain}]` : plain}:${port}`
}
