// The addresses of this computer.
import { networkInterfaces } from 'node:os'

/** An IPv4 address of an interface, with its network: `10.99.0.2` and `10.99.0.2/24`. `internal`: loopback. */
export type OwnAddress = { device: string; address: string; subnet: string; internal: boolean }

/** The IPv4 addresses of this computer. @throws the error of the system, for example without free file descriptors */
export function listAddresses(): OwnAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([device, list = []]) =>
    list
      .filter(({ family }) => family === 'IPv4')
      .map(({ address, cidr, internal }) => ({ device, address, subnet: cidr ?? `${address}/32`, internal })),
  )
}

/** The addresses without loopback, which only this computer reaches. */
export function listReachableAddresses(): OwnAddress[] {
  return listAddresses().filter(({ internal }) => !internal)
}

/** Networks inside this computer: containers and virtual machines. Machines rarely boot from them. */
const inside = /^(docker|br-|veth|virbr|vnet|cni|flannel|cali|lxc|podman|tailscale|wg|tun)/

/** The reachable addresses as text, those of networks inside this computer last. */
export function ownAddresses(): string[] {
  const isInside = ({ device }: OwnAddress) => inside.test(device)
  const all = listReachableAddresses()
  return [...all.filter((own) => !isInside(own)), ...all.filter(isInside)].map(({ address }) => address)
}
