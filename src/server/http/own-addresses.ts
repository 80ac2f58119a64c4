// The addresses of this computer.
import { networkInterfaces } from 'node:os'

/** Networks inside this computer: containers and virtual machines. Machines rarely boot from them. */
const inside = /^(docker|br-|veth|virbr|vnet|cni|flannel|cali|lxc|podman|tailscale|wg|tun)/

/** The IPv4 addresses of this computer besides loopback, those of networks inside this computer last. */
export function ownAddresses(): string[] {
  const found = Object.entries(networkInterfaces()).flatMap(([name, list]) =>
    (list ?? [])
      .filter(({ family, internal }) => family === 'IPv4' && !internal)
      .map(({ address }) => ({ address, isInside: inside.test(name) })),
  )
  return [...found.filter(({ isInside }) => !isInside), ...found.filter(({ isInside }) => isInside)].map(
    ({ address }) => address,
  )
}
