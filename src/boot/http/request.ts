import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import type { Relayed } from '../../bytes/workers/file-orders.ts'
import { baseUrlAt } from '../../lib/base-url.ts'
import { plainAddress } from '../../lib/subnet.ts'

/** The properties of a request that are known before the answer. */
export type Asked = {
  relayed?: Relayed
  /** The host that was asked for; undefined where the request names none, or none that is valid in a URL. */
  askedHost?: string | undefined
  /** The client's address behind the proxies that are trusted. */
  clientAddress?: string
}

/** Requests on the boot listener come with Node's own request and response beside Hono's. */
export type BootEnv = {
  Bindings: HttpBindings & { incoming: IncomingMessage & Asked; outgoing: ServerResponse }
}
export type BootContext = Context<BootEnv>

/**
 * The client's address, IPv4 in its own form also when the listener is dual-stack; behind a trusted proxy, as that
 * tells it.
 */
export function addressOf(context: BootContext): string {
  return context.env.incoming.clientAddress ?? peerOf(context)
}

/** The address at the other end of the connection. */
export function peerOf(context: BootContext): string {
  const { relayed, socket } = context.env.incoming
  return relayed?.address ?? plainAddress(socket.remoteAddress)
}

/** True for iPXE itself (its net/tcp/httpcore.c); anything else that asks for a script is shown a preview. */
export function isIpxe(context: BootContext): boolean {
  return /^iPXE\//.test(context.req.header('user-agent') ?? '')
}

/**
 * `http://host:port` as the machine reached us, unless the settings say what it is. Plain clients of HTTP/1.0 name no host
 * (U-Boot's wget), and an invalid host must not get into a script: then it is the local address of the connection.
 */
export function baseUrlOf(context: BootContext, configured: string | undefined): string {
  if (configured !== undefined) return configured
  const { askedHost, socket } = context.env.incoming
  if (askedHost !== undefined) return `http://${askedHost}`
  return baseUrlAt(socket.localAddress ?? 'localhost', socket.localPort ?? 80)
}

/** The part after `?`, as it was sent. */
export function queryOf(context: BootContext): string {
  const url = context.env.incoming.url ?? ''
  const at = url.indexOf('?')
  return at < 0 ? '' : url.slice(at + 1)
}

/** How a script is asked for: from which address, at which address of ours, and by iPXE or to be looked at. */
export type BootRequest = { ip: string; base: string; query: string; boots: boolean }

export function readRequest(context: BootContext, { baseUrl }: { baseUrl: string | undefined }): BootRequest {
  return {
    ip: addressOf(context),
    base: baseUrlOf(context, baseUrl),
    query: queryOf(context),
    boots: isIpxe(context) && context.req.method === 'GET',
  }
}
