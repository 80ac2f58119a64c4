// A socket that other processes listen on. Called by file-listener.ts.
import type { SendHandle } from 'node:child_process'
import { lookup } from 'node:dns/promises'
import net, { type AddressInfo, isIP } from 'node:net'
import { getSystemErrorName } from 'node:util'
import type { Listen } from '../../config/setting.ts'
import { ConfigError } from '../../lib/errors.ts'
import { listenFault } from './listen.ts'

/** The socket of a port, which this process holds and others listen on: no connection is refused while a worker is replaced. */
export type SharedSocket = { handle: SendHandle; address: AddressInfo; close: () => void }

type Handle = SendHandle & { getsockname: (address: object) => number; close: () => void }

/**
 * Node's cluster binds sockets with this function of `node:net`. The public `listen` also accepts connections, which this process
 * must leave to its workers. A socket of cluster itself closes with its last worker.
 */
const { _createServerHandle: createHandle } = net as unknown as {
  _createServerHandle: (address: string, port: number, family: 4 | 6) => Handle | number
}

/** Binds an address and a port. @throws ConfigError that names the setting */
export async function openSharedSocket({ host, port }: Listen, setting: string): Promise<SharedSocket> {
  const fail = (code: string) => new ConfigError(listenFault(`${setting}: cannot listen on ${host}:${port}`, code))
  const found = await lookup(host).catch((error: NodeJS.ErrnoException) => {
    throw fail(error.code ?? error.message)
  })
  const handle = createHandle(found.address, port, isIP(found.address) === 6 ? 6 : 4)
  if (typeof handle === 'number') throw fail(getSystemErrorName(handle))
  const address = {}
  // libuv reports here that the address is in use.
  const fault = handle.getsockname(address)
  if (fault === 0) return { handle, address: address as AddressInfo, close: () => handle.close() }
  handle.close()
  throw fail(getSystemErrorName(fault))
}
