// Connections to other servers, directly or through the proxies that curl would use.
import { Agent as HttpAgent } from 'node:http'
import { Agent as HttpsAgent } from 'node:https'
import { HttpProxyAgent } from 'http-proxy-agent'
import { HttpsProxyAgent } from 'https-proxy-agent'

/** Proxy settings with the meaning they have for curl. An empty text means no proxy. */
export type Proxies = { httpProxy: string; httpsProxy: string; noProxy: string }

/** Connects to servers, directly or through a proxy. The caller that opened it closes it, which ends its open connections too. */
export type Connector = { agentFor: (url: URL) => HttpAgent | HttpsAgent; close: () => void }

/**
 * Every request has its own connection, so none fails because a server has closed an idle connection.
 * Proxies often allow CONNECT to port 443 only, so plain http requests go to the proxy itself (RFC 9112, 3.2.2).
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

// curl reads `proxy.local:3128` as http://proxy.local:3128.
function proxyUrl(text: string): string {
  return text.includes('://') ? text : `http://${text}`
}

/** Parses NO_PROXY: host names separated by commas or spaces, each with its subdomains and an optional port; `*` for all (curl(1)). */
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
      // A single colon, or a colon after brackets, precedes a port. Several colons are an IPv6 address.
      const [, before = entry, entryPort = actualPort] = /^([^:]*|\[.*\]):(\d+)$/.exec(entry) ?? []
      const name = before.replace(/^\[|\]$/g, '').replace(/^\*?\./, '')
      return entryPort === actualPort && (host === name || host.endsWith(`.${name}`))
    })
  }
}
