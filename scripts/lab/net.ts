import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

/**
 * A private site: a LAN with a bridge for the machines and the DHCP server, and a cable to the host of the boot server.
 * The network of the computer is not touched.
 */
export type Net = {
  /** The network namespace of the LAN: machines, and the DHCP server at `dhcpAddress`. */
  lan: string
  /** The network namespace of the boot server, at `serverAddress`. */
  server: string
  /** Adds a port to the LAN's switch, or an unconnected cable; returns the name of its tap device. */
  addTap(options?: { deadEnd?: boolean }): string
  /** Adds a computer to the LAN's switch, with this IPv4 address on `eth0`; returns its network namespace. */
  addHost(name: string, address: string): string
  /** Removes a computer that `addHost` added. */
  removeHost(namespace: string): void
  /** Adds a second LAN behind a router, with its own switch. The router is at `far.routerAddress` and forwards. */
  addFarLan(): FarLan
  /** Stops the remaining processes inside and removes everything. */
  close(): void
}

/** A second LAN. `lan` is the network namespace of the machines there and of the router, whose interfaces are `br0` and `eth0`. */
export type FarLan = Pick<Net, 'lan' | 'addTap'>

export const far = { routerAddress: '10.98.0.1', nearAddress: '10.99.0.3', subnet: '10.98.0.0/24' }
export const dhcpAddress = '10.99.0.1'
export const serverAddress = '10.99.0.2'

let opened = 0

/** Creates the namespaces, named after this process, so that several test files can run in parallel. Needs root. */
export function openNet(): Net {
  removeLeftovers()
  opened += 1
  const lan = `bwlab-${process.pid}-${opened}-lan`
  const server = `bwlab-${process.pid}-${opened}-srv`
  ip('netns', 'add', lan)
  ip('netns', 'add', server)
  // With spanning tree or a forwarding delay the first DHCPDISCOVERs would be lost.
  ip('-n', lan, 'link', 'add', 'br0', 'type', 'bridge', 'stp_state', '0', 'forward_delay', '0')
  ip('-n', lan, 'link', 'add', 'srv', 'type', 'veth', 'peer', 'name', 'eth0', 'netns', server)
  ip('-n', lan, 'link', 'set', 'srv', 'master', 'br0', 'up')
  ip('-n', lan, 'address', 'add', `${dhcpAddress}/24`, 'dev', 'br0')
  ip('-n', lan, 'address', 'add', 'fd99::1/64', 'dev', 'br0', 'nodad')
  ip('-n', server, 'address', 'add', `${serverAddress}/24`, 'dev', 'eth0')
  for (const [namespace, device] of [
    [lan, 'lo'],
    [lan, 'br0'],
    [server, 'lo'],
    [server, 'eth0'],
  ] as const) {
    ip('-n', namespace, 'link', 'set', device, 'up')
  }

  const hosts: string[] = []
  function addHost(name: string, address: string): string {
    const namespace = `${lan.slice(0, -4)}-${name}`
    ip('netns', 'add', namespace)
    hosts.push(namespace)
    ip('-n', lan, 'link', 'add', name, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', namespace)
    ip('-n', lan, 'link', 'set', name, 'master', 'br0', 'up')
    ip('-n', namespace, 'address', 'add', `${address}/24`, 'dev', 'eth0')
    for (const device of ['lo', 'eth0']) ip('-n', namespace, 'link', 'set', device, 'up')
    return namespace
  }

  function removeHost(namespace: string): void {
    const index = hosts.indexOf(namespace)
    if (index >= 0) hosts.splice(index, 1).forEach(removeNamespace)
  }

  function addFarLan(): FarLan {
    const router = addHost('far', far.nearAddress)
    ip('-n', router, 'link', 'add', 'br0', 'type', 'bridge', 'stp_state', '0', 'forward_delay', '0')
    ip('-n', router, 'link', 'set', 'br0', 'up')
    ip('-n', router, 'address', 'add', `${far.routerAddress}/24`, 'dev', 'br0')
    run('ip', ['netns', 'exec', router, 'sysctl', '-q', '-w', 'net.ipv4.ip_forward=1'])
    for (const namespace of [lan, server]) ip('-n', namespace, 'route', 'add', far.subnet, 'via', far.nearAddress)
    return { lan: router, addTap: createTaps(router) }
  }

  const close = () => [...hosts, lan, server].forEach(removeNamespace)
  return { lan, server, addTap: createTaps(lan), addHost, removeHost, addFarLan, close }
}

/** Returns a function that adds tap devices to the switch of a namespace. */
function createTaps(namespace: string): Net['addTap'] {
  let taps = 0
  return ({ deadEnd = false } = {}) => {
    const tap = `tap${taps++}`
    ip('-n', namespace, 'tuntap', 'add', tap, 'mode', 'tap')
    ip('-n', namespace, 'link', 'set', tap, ...(deadEnd ? [] : ['master', 'br0']), 'up')
    return tap
  }
}

/** Removes the namespaces of runs that died without removing them. */
function removeLeftovers(): void {
  for (const [name, pid] of ip('netns', 'list').matchAll(/^bwlab-(\d+)-\d+-[a-z0-9]+/gm)) {
    if (!existsSync(`/proc/${pid}`)) removeNamespace(name)
  }
}

/** The bridge, the taps and the cables vanish with their namespace, once no process holds it. */
function removeNamespace(name: string): void {
  for (const pid of ip('netns', 'pids', name).split('\n').filter(Boolean)) {
    try {
      process.kill(Number(pid), 'SIGKILL')
    } catch {
      // The process has already ended.
    }
  }
  ip('netns', 'delete', name)
}

/** Runs ip(8). @throws Error with what it printed */
export function ip(...args: string[]): string {
  return run('ip', args)
}

function run(program: string, args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error?.message ?? stderr.trim()}`)
  return stdout
}

/**
 * Adds rules to a chain for packets that arrive at the boot server, as lines of nft(8) without their beginning. Returns a
 * function that removes them.
 */
export function addRules(net: Net, rules: string[]): () => void {
  opened += 1
  const table = `lab${opened}`
  const nft = (line: string) => run('ip', ['netns', 'exec', net.server, 'nft', line])
  nft(`add table ip ${table}`)
  nft(`add chain ip ${table} input { type filter hook input priority 0; }`)
  for (const rule of rules) nft(`add rule ip ${table} input ${rule}`)
  return () => void nft(`delete table ip ${table}`)
}
