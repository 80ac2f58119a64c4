import http from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import type { Hono } from 'hono'
import type { BootEnv } from './request.ts'

/**
 * Header names go out in canonical case, `Content-Length`: GRUB 2.06 and 2.12 look for exactly that and otherwise say
 * "out of memory" (their net/http.c compares the case). Hono writes all names in lower case.
 */
class CanonicalResponse extends http.ServerResponse {
  override setHeader(name: string, value: number | string | readonly string[]): this {
    return super.setHeader(canonical(name), value)
  }

  // biome-ignore lint/suspicious/noExplicitAny: the overloads of Node's writeHead
  override writeHead(status: number, ...rest: any[]): this {
    const headers = rest.at(-1)
    if (headers !== null && typeof headers === 'object' && !Array.isArray(headers)) {
      rest[rest.length - 1] = Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [canonical(name), value]),
      )
    }
    return super.writeHead(status, ...(rest as []))
  }
}

/** The HTTP server of the boot network: bounded in every length and time, and plain enough for firmware. */
export function createBootServer(app: Hono<BootEnv>): http.Server {
  const server = createAdaptorServer({
    fetch: (request, env) => app.fetch(request, env as BootEnv['Bindings']),
    serverOptions: {
      ServerResponse: CanonicalResponse,
      maxHeaderSize: 8192,
      headersTimeout: 20_000,
      requestTimeout: 30_000,
      keepAliveTimeout: 15_000,
      connectionsCheckingInterval: 5_000,
    } as http.ServerOptions,
    createServer: ((options: http.ServerOptions, handle: http.RequestListener) =>
      http.createServer(options, (request, response) => {
        request.url = collapseSlashes(request.url ?? '/')
        handle(
          request as http.IncomingMessage,
          response as http.ServerResponse<http.IncomingMessage> & { req: http.IncomingMessage },
        )
      })) as typeof http.createServer,
  }) as http.Server
  // A reader that takes nothing for this long is gone; iPXE gives up after 120 s itself.
  server.timeout = 120_000
  server.maxConnections = 20_000
  return server
}

/** shim asks for `//grubx64.efi` below the folder it came from; a path is the same with one slash. */
export function collapseSlashes(url: string): string {
  const [path = '', ...query] = url.split('?')
  if (!path.startsWith('/')) return url
  return [path.replaceAll(/\/{2,}/g, '/'), ...query].join('?')
}

function canonical(name: string): string {
  return name === 'etag' ? 'ETag' : name.replaceAll(/(^|-)[a-z]/g, (letter) => letter.toUpperCase())
}
