import type { IncomingMessage, ServerResponse } from 'node:http'
import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'
import { InputError } from '../errors.ts'
import { plainAddress } from './listener.ts'

/** Who asked, and which worker passed it on. */
export type Relayed = { address: string; worker: number }

/** Requests on the boot listener come with Node's own request and response beside Hono's. */
export type BootEnv = {
  Bindings: HttpBindings & { incoming: IncomingMessage & { relayed?: Relayed }; outgoing: ServerResponse }
}
export type BootContext = Context<BootEnv>

/** The address a request comes from, IPv4 in its own form also when the listener is dual-stack. */
export function addressOf(c: BootContext): string {
  const { relayed, socket } = c.env.incoming
  return relayed?.address ?? plainAddress(socket.remoteAddress)
}

/** True for iPXE itself (its net/tcp/httpcore.c); anything else that asks for a script is shown a preview. */
export function isIpxe(c: BootContext): boolean {
  return /^iPXE\//.test(c.req.header('user-agent') ?? '')
}

/**
 * `http://host:port` as the machine reached us, unless the settings say what it is.
 * @throws InputError for a Host header that is no host: it would go into a script
 */
export function baseUrlOf(c: BootContext, configured: string | undefined): string {
  if (configured !== undefined) return configured
  const host = c.req.header('host') ?? ''
  if (!/^([a-z0-9]([a-z0-9.-]{0,252})|\[[0-9a-f:.]{2,45}\])(:\d{1,5})?$/i.test(host)) {
    throw new InputError({ field: 'Host header', value: host, expected: 'a host name or address, with a port' })
  }
  return `http://${host}`
}

/** The part after `?`, as it was sent. */
export function queryOf(c: BootContext): string {
  const url = c.env.incoming.url ?? ''
  const at = url.indexOf('?')
  return at < 0 ? '' : url.slice(at + 1)
}

/** Whether a text can be the token of a boot; `preview` in a script that was only looked at is none. */
export function isToken(text: string): boolean {
  return /^[\w-]{43}$/.test(text)
}
