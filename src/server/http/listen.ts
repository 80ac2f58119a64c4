// The sockets of HTTP listeners: how they open and close, and how their addresses are printed.
import { chmod } from 'node:fs/promises'
import type http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Listen } from '../../config/setting.ts'
import { ConfigError } from '../../lib/errors.ts'
import type { Closers } from '../closers.ts'

const inUse = 'the address is in use. Next step: stop the other program, or choose another address'

/** @throws ConfigError that names the setting */
export async function listen(
  server: http.Server,
  { host, port }: Listen,
  setting: string,
  closers: Closers,
): Promise<AddressInfo> {
  await listening(server, { host, port }, `${setting}: cannot listen on ${host}:${port}`)
  closers.add(() => closeServer(server))
  return server.address() as AddressInfo
}

/** Listens on a Unix socket that only the user of this process can open. @throws ConfigError that names the path */
export async function listenOnSocket(server: http.Server, path: string, closers: Closers): Promise<void> {
  // The umask protects the socket between its creation and the chmod.
  const before = process.umask(0o177)
  await listening(server, { path }, `cannot listen on ${path}`).finally(() => process.umask(before))
  await chmod(path, 0o600)
  closers.add(() => closeServer(server))
}

/** `host:port`, with an IPv6 address in brackets. */
export function formatAddress({ address, port, family }: AddressInfo): string {
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`
}

/** The address under which this computer reaches the listener: loopback, if it listens on all addresses. */
export function reachableAddress(address: AddressInfo): string {
  const loopback: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '::1' }
  return formatAddress({ ...address, address: loopback[address.address] ?? address.address })
}

/** An error of a listener, with the next step. */
export function listenFault(fault: string, code: string, message = code): string {
  return `${fault}: ${code === 'EADDRINUSE' ? inUse : message}`
}

function listening(
  server: http.Server,
  where: { host: string; port: number } | { path: string },
  fault: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new ConfigError(listenFault(fault, error.code ?? '', error.message))),
    )
    // Machines that are switched on together connect in one burst. The system may allow fewer (net.core.somaxconn).
    server.listen({ ...where, backlog: 4096 }, resolve)
  })
}

// Current downloads get five seconds to end. Then their connections are closed.
async function closeServer(server: http.Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeIdleConnections()
  const disconnect = setTimeout(() => server.closeAllConnections(), 5000)
  await closed
  clearTimeout(disconnect)
}
