// This server's addresses on an interface, and the choice among them.
import { type OwnAddress as Address, listAddresses } from '../lib/net/own-addresses.ts'
import { subnetTest } from '../lib/subnet.ts'
import type { Client } from './client.ts'

/** An IPv4 address of this server with its network. */
export type OwnAddress = Pick<Address, 'address' | 'subnet'>

const rereadMs = 1000

/** Returns the current IPv4 addresses of an interface, read at most once a second. An interface may get its address later. */
export function createOwnAddresses(device: string): () => OwnAddress[] {
  let readAt = Number.NEGATIVE_INFINITY
  let addresses: OwnAddress[] = []
  return () => {
    const now = performance.now()
    if (now - readAt >= rereadMs) {
      readAt = now
      addresses = readAddresses(device)
    }
    return addresses
  }
}

function readAddresses(device: string): OwnAddress[] {
  try {
    return listAddresses().filter((own) => own.device === device)
  } catch {
    // Without free file descriptors the system cannot list its addresses.
    return []
  }
}

/** The address that the packet shows for the client or its network: of the relay, of the client, or of the sender. */
export function clientAddressOf({ packet: { giaddr, ciaddr }, arrival: { from } }: Client): string | undefined {
  return [giaddr, ciaddr, from.address].find((address) => address !== '0.0.0.0')
}

/** Whether an address is in a subnet of this server's addresses. */
export function isNear(address: string, own: OwnAddress[]): boolean {
  return own.some(({ subnet }) => subnetTest([subnet])(address))
}

/**
 * This server's address for a client: on the same subnet if there is one, else the first. A link-local address (RFC 3927) is the
 * last choice.
 */
export function ownAddressFor(clientAddress: string | undefined, own: OwnAddress[]): string | undefined {
  const near = clientAddress === undefined ? undefined : own.find((address) => isNear(clientAddress, [address]))
  return (near ?? own.find(({ address }) => !address.startsWith('169.254.')) ?? own[0])?.address
}
