// Sockets of the HTTP listeners: opened, named for people, and closed.
import { chmod } from 'node:fs/promises'
import type http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Listen } from '../../config/setting.ts'
import { ConfigError } from '../../lib/errors.ts'
import type { Closers } from '../closers.ts'

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

/** Listens on a Unix socket that only the user of this process can open. @throws ConfigError */
export async function listenOnSocket(server: http.Server, path: string, closers: Closers): Promise<void> {
  // The mode counts from the first moment: no other user may connect before the chmod.
  const before = process.umask(0o177)
  await listening(server, { path }, `cannot listen on ${path}`).finally(() => process.umask(before))
  await chmod(path, 0o600)
  closers.add(() => closeServer(server))
}

/** `host:port`, with an IPv6 address in brackets. */
export function formatAddress({ address, port, family }: AddressInfo): string {
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`
}

/** The same at which this computer reaches it: a listener on all addresses is reached by loopback. */
export function reachableAddress(address: AddressInfo): string {
  const loopback: Record<string, string> = { '0.0.0.0': '127.0.0.1', '::': '::1' }
  return formatAddress({ ...address, address: loopback[address.address] ?? address.address })
}

function listening(
  server: http.Server,
  where: { host: string; port: number } | { path: string },
  fault: string,
): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(new ConfigError(`${fault}: ${error.code === 'EADDRINUSE' ? 'the address is in use' : error.message}`)),
    )
    // Machines that are switched on together connect in one burst; the system may allow fewer (net.core.somaxconn).
    server.listen({ ...where, backlog: 4096 }, resolve)
  })
}

// Downloads under way get a few seconds to end, then the connections are closed.
async function closeServer(server: http.Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeIdleConnections()
  const disconnect = setTimeout(() => server.closeAllConnections(), 5000)
  await closed
  clearTimeout(disconnect)
}
