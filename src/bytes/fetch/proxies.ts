// Connections to other servers, directly or through the proxies that curl would use.
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { HttpProxyAgent } from 'http-proxy-agent'
import { HttpsProxyAgent } from 'https-proxy-agent'

/** The proxies to go through, as curl understands these settings; empty texts for none. */
export type Proxies = { httpProxy: string; httpsProxy: string; noProxy: string }

/** What connects to servers, directly or through a proxy. Whoever opened it closes it, and with it every connection under way. */
export type Connector = { agentFor: (url: URL) => HttpAgent | HttpsAgent; close: () => void }

/**
 * Every request has a connection of its own: none fails because its server closed an idle one meanwhile.
 * Proxies let through a CONNECT to port 443 only, so plain http is asked of the proxy itself (RFC 9112, 3.2.2).
 */
export function openConnector({ httpProxy, httpsProxy, noProxy }: Proxies, tls: { ca?: string } = {}): Connector {
  const direct = { http: new HttpAgent(), https: new HttpsAgent(tls) }
  const proxied = {
    http: httpProxy === '' ? direct.http : new HttpProxyAgent(proxyUrl(httpProxy)),
    https: httpsProxy === '' ? direct.https : new HttpsProxyAgent(proxyUrl(httpsProxy), tls),
  }
  const isDirect = noProxyTest(noProxy)
  return {
    agentFor: (url) => {
      const agents = isDirect(url) ? direct : proxied
      return url.protocol === 'https:' ? agents.https : agents.http
    },
    close: () => {
      for (const agent of [direct.http, direct.https, proxied.http, proxied.https]) agent.destroy()
    },
  }
}

// curl takes `proxy.local:3128` for http://proxy.local:3128 too.
function proxyUrl(text: string): string {
  return text.includes('://') ? text : `http://${text}`
}

/** NO_PROXY: names separated by commas or spaces, with their subdomains, with or without a port; `*` for all (curl(1), NO_PROXY). */
function noProxyTest(noProxy: string): (url: URL) => boolean {
  const entries = noProxy
    .toLowerCase()
    .split(/[\s,]+/)
    .filter(Boolean)
  return ({ hostname, port, protocol }) => {
    const host = hostname.replace(/^\[|\]$/g, '')
    const actualPort = port || (protocol === 'https:' ? '443' : '80')
    return entries.some((entry) => {
      if (entry === '*') return true
      // A single colon, or one after brackets, begins a port; more are an IPv6 address.
      const [, before = entry, entryPort = actualPort] = /^([^:]*|\[.*\]):(\d+)$/.exec(entry) ?? []
      const name = before.replace(/^\[|\]$/g, '').replace(/^\*?\./, '')
      return entryPort === actualPort && (host === name || host.endsWith(`.${name}`))
    })
  }
}
