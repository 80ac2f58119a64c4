// The host names of the admin listener, and the check that a browser's request comes from its own page.
import { isIP } from 'node:net'
import { hostname } from 'node:os'

/**
 * Returns a test for the Host header of requests. A web page elsewhere can make its own name resolve to this server (DNS rebinding),
 * and its script then counts as same-origin. So only known names pass: those of the settings, `localhost`, the name of this
 * computer, and every IP address, because no page elsewhere has an address as its name.
 * @param adminUrl the URL of the page, whose host passes
 */
export function createHostTest(adminUrl: string | undefined, hosts: string[]): (header: string | undefined) => boolean {
  const names = new Set(['localhost', hostname().toLowerCase(), ...hosts.map((host) => host.toLowerCase())])
  if (adminUrl !== undefined) names.add(new URL(adminUrl).hostname.toLowerCase())
  return (header) => {
    const name = nameOf(header)
    return name !== undefined && (names.has(name) || isIP(name.replace(/^\[|\]$/g, '')) !== 0)
  }
}

function nameOf(header: string | undefined): string | undefined {
  const [, name] = /^(\[[0-9a-f:.]+\]|[^:/?#@\s]+)(?::\d{1,5})?$/i.exec(header ?? '') ?? []
  return name?.toLowerCase().replace(/\.$/, '')
}

/** Whether a request with this method only reads (RFC 9110, 9.2.1). */
export function isRead(method: string): boolean {
  return method === 'GET' || method === 'HEAD'
}

/** Whether a session may answer for a request: only a page of this server changes something with it (CSRF). */
export function mayUseSession(method: string, header: (name: string) => string | undefined): boolean {
  return isRead(method) || isSameOrigin(header)
}

/**
 * Whether a request comes from a page of this server. Browsers send Origin or Sec-Fetch-Site (W3C Fetch Metadata) with requests that
 * change something, or both; each one that is there must fit.
 */
function isSameOrigin(header: (name: string) => string | undefined): boolean {
  const [site, origin, host] = [header('sec-fetch-site'), header('origin'), header('host')]
  if (site === undefined && origin === undefined) return false
  const isOwnOrigin = origin === undefined || (URL.canParse(origin) && new URL(origin).host === host?.toLowerCase())
  return isOwnOrigin && (site === undefined || site === 'same-origin')
}
