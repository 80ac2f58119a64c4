// The HTTP servers for machines: plain enough for firmware, and bounded.
import http from 'node:http'
import { getRequestListener } from '@hono/node-server'
import type { Hono } from 'hono'
import type { Asked, BootEnv } from '../../boot/http/request.ts'
import { isHost } from '../../lib/base-url.ts'
import { type ConnectionLimits, serveBounded } from './connections.ts'

/**
 * Writes header names in canonical case, such as `Content-Length`. GRUB 2.06 and 2.12 compare names with their case
 * (net/http.c), and otherwise fail with "out of memory". Hono writes all names in lower case.
 */
class CanonicalResponse extends http.ServerResponse {
  override setHeader(name: string, value: number | string | readonly string[]): this {
    return super.setHeader(canonical(name), value)
  }

  // biome-ignore lint/suspicious/noExplicitAny: the overloads of Node's writeHead
  override writeHead(status: number, ...args: any[]): this {
    const headers = args.at(-1)
    if (headers !== null && typeof headers === 'object' && !Array.isArray(headers)) {
      const named: http.OutgoingHttpHeaders = {}
      for (const name in headers) named[canonical(name)] = headers[name]
      args[args.length - 1] = named
    }
    return super.writeHead(status, ...(args as []))
  }
}

/** The HTTP server of the boot listener or the file listener. */
export function createBootServer(app: Hono<BootEnv>, limits?: ConnectionLimits): http.Server {
  return boundServer(listenerOf(app), limits, { requireHostHeader: false })
}

const usualLimits: ConnectionLimits = { maxConnections: 20_000, maxPerAddress: 5000 }

/** An HTTP server with limits for every length, count and time, whose responses firmware can read. */
export function boundServer(
  listener: http.RequestListener,
  limits = usualLimits,
  more: http.ServerOptions = {},
): http.Server {
  const options: http.ServerOptions = {
    ServerResponse: CanonicalResponse as typeof http.ServerResponse,
    maxHeaderSize: 8192,
    headersTimeout: 20_000,
    requestTimeout: 30_000,
    keepAliveTimeout: 15_000,
    connectionsCheckingInterval: 5_000,
    ...more,
  }
  const server = http.createServer(options)
  serveBounded(server, listener, limits)
  // A client that reads nothing for 120 s is disconnected. iPXE also gives up after 120 s.
  server.timeout = 120_000
  return server
}

function listenerOf(app: Hono<BootEnv>): http.RequestListener {
  const listener = getRequestListener((request, env) => app.fetch(request, env as BootEnv['Bindings']))
  return (request, response) => {
    const { host, path } = targetOf(request)
    // RFC 9112, 3.2. A request for a script gets a script even without a Host header.
    if (host === undefined && request.httpVersion === '1.1' && !isScriptPath(path))
      return void response
        .writeHead(400, { Connection: 'close' })
        .end('Expected a Host header in an HTTP/1.1 request.\n')
    request.url = path
    // Hono refuses a request with an invalid Host header. The boot application reads `askedHost` instead.
    request.headers.host = 'boot'
    const asked: Asked = { askedHost: host !== undefined && isHost(host) ? host : undefined }
    listener(Object.assign(request, asked), response)
  }
}

/**
 * The host and the path of a request. A whole URL in the request line has priority over the Host header (RFC 9112,
 * 3.2.2).
 */
function targetOf({ url = '/', headers }: http.IncomingMessage): { host: string | undefined; path: string } {
  if (url.startsWith('/')) return { host: headers.host, path: collapseSlashes(url) }
  const [, host, path] = /^https?:\/\/([^/?#]*)([^#]*)/i.exec(url) ?? []
  if (host === undefined) return { host: headers.host, path: collapseSlashes(url) }
  return { host, path: collapseSlashes(path?.startsWith('/') ? path : `/${path}`) }
}

function isScriptPath(path: string): boolean {
  return /^\/ipxe(?=[/?]|$)/.test(path)
}

/** Collapses repeated slashes in a path: shim requests `//grubx64.efi` in the folder from which it was loaded. */
export function collapseSlashes(url: string): string {
  if (!url.includes('//')) return url
  const [path = '', ...query] = url.split('?')
  if (!path.startsWith('/')) return url
  return [path.replaceAll(/\/{2,}/g, '/'), ...query].join('?')
}

const canonicalNames = new Map([['etag', 'ETag']])

/** The names are those of our own headers, so the map stays small. */
function canonical(name: string): string {
  const cached = canonicalNames.get(name)
  if (cached !== undefined) return cached
  const written = name.replaceAll(/(^|-)[a-z]/g, (letter) => letter.toUpperCase())
  canonicalNames.set(name, written)
  return written
}
