// Reads requests of the boot network: the client's address, the server's URL, the query. Called by the handlers.
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import { baseUrlAt } from '../../lib/base-url.ts'
import { plainAddress } from '../../lib/subnet.ts'

/** Facts about a request that the listener finds before the handler runs. */
export type Asked = {
  /** The host of the request; undefined if it is missing or not valid in a URL. */
  askedHost?: string | undefined
  /** The client's address behind trusted proxies. */
  clientAddress?: string
}

/** Requests of the boot listener include Node's request and response. */
export type BootEnv = {
  Bindings: HttpBindings & { incoming: IncomingMessage & Asked; outgoing: ServerResponse }
}
export type BootContext = Context<BootEnv>

/** The client's address. Behind a trusted proxy, the proxy names it. IPv4 keeps its form on dual-stack listeners. */
export function addressOf(context: BootContext): string {
  return context.env.incoming.clientAddress ?? peerOf(context)
}

/** The address at the other end of the connection. */
export function peerOf(context: BootContext): string {
  return plainAddress(context.env.incoming.socket.remoteAddress)
}

/** Whether the client is iPXE (its net/tcp/httpcore.c). Other clients get a preview. */
export function isIpxe(context: BootContext): boolean {
  return /^iPXE\//.test(context.req.header('user-agent') ?? '')
}

/**
 * The server's URL from the settings, else `http://host:port` as the machine reached it. If the host is missing (HTTP/1.0, as
 * in U-Boot's wget) or not valid, the URL has the local address of the connection.
 */
export function baseUrlOf(context: BootContext, configured: string | undefined): string {
  if (configured !== undefined) return configured
  const { askedHost, socket } = context.env.incoming
  if (askedHost !== undefined) return `http://${askedHost}`
  return baseUrlAt(socket.localAddress ?? 'localhost', socket.localPort ?? 80)
}

/** The part after `?`, as received. */
export function queryOf(context: BootContext): string {
  const url = context.env.incoming.url ?? ''
  const at = url.indexOf('?')
  return at < 0 ? '' : url.slice(at + 1)
}

/** A request for a script: the client's address, the server's URL, the query, and whether it boots or is a preview. */
export type BootRequest = { ip: string; base: string; query: string; boots: boolean }

export function readRequest(context: BootContext, { baseUrl }: { baseUrl: string | undefined }): BootRequest {
  return {
    ip: addressOf(context),
    base: baseUrlOf(context, baseUrl),
    query: queryOf(context),
    boots: isIpxe(context) && context.req.method === 'GET',
  }
}
