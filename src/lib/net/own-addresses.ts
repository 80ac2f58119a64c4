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

/** A network interface of this computer that is up and has an address. */
export type OwnInterface = {
  name: string
  mac: string
  addresses: { address: string; subnet: string; family: 'IPv4' | 'IPv6' }[]
  /** Only this computer reaches it. */
  loopback: boolean
  /** By its name, it is a network inside this computer: of containers or virtual machines. */
  inside: boolean
}

/** The network interfaces of this computer, the likeliest for machines first. */
export function listInterfaces(): OwnInterface[] {
  const all = Object.entries(networkInterfaces()).flatMap(([name, list = []]): OwnInterface[] => {
    const [first] = list
    if (first === undefined) return []
    const addresses = list.map(({ address, cidr, family }) => ({ address, subnet: cidr ?? address, family }))
    return [{ name, mac: first.mac, addresses, loopback: first.internal, inside: inside.test(name) }]
  })
  const rank = ({ loopback, inside }: OwnInterface) => (loopback ? 2 : inside ? 1 : 0)
  return all.sort((a, b) => rank(a) - rank(b))
}

/** The reachable addresses as text, those of networks inside this computer last. */
export function ownAddresses(): string[] {
  const isInside = ({ device }: OwnAddress) => inside.test(device)
  const all = listReachableAddresses()
  return [...all.filter((own) => !isInside(own)), ...all.filter(isInside)].map(({ address }) => address)
}
