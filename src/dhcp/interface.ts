// The sockets of the proxyDHCP server on one interface.
import type dgram from 'node:dgram'
import { readFileSync } from 'node:fs'
import { findInterfaceIndex, openDeviceSocket, sendDatagram } from '../lib/dhcp/device-socket.ts'
import { dhcpPorts } from '../lib/dhcp/option-codes.ts'
import { ConfigError, messageOf } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import { findForeignSockets } from '../lib/net/udp-sockets.ts'
import type { Reply } from './reply.ts'

/** A datagram, and the port at which it arrived. */
export type Datagram = { bytes: Buffer; port: 67 | 68 | 4011; from: { address: string; port: number } }

export type DhcpInterface = { send: (reply: Reply) => void; close: () => void }

const rescanMs = 3000

/**
 * Listens for DHCP on an interface: at ports 67 and 4011, and at port 68 for the answers of other servers, if no program of
 * this host uses it. Listens anew if the interface is removed and added again.
 * @throws ConfigError if the interface does not exist, or if a port cannot be used
 */
export async function openInterface(
  device: string,
  handle: (datagram: Datagram) => void,
  log: Logger,
): Promise<DhcpInterface> {
  let sockets = await openSockets(device, handle, log)
  let index: number | undefined = findInterfaceIndex(device)
  let isClosed = false
  const rescan = async () => {
    const current = findInterfaceIndex(device)
    if (current === index) return
    for (const socket of sockets.values()) socket.close()
    sockets = new Map()
    index = undefined
    if (current === undefined) return log.warn({ interface: device }, 'the interface for DHCP is gone')
    const opened = await openSockets(device, handle, log)
    if (isClosed) return void [...opened.values()].map((socket) => socket.close())
    sockets = opened
    index = current
    log.info({ interface: device }, 'the interface for DHCP is present, answering on it')
  }
  let scanning = Promise.resolve()
  let lastError: string | undefined
  const timer = setInterval(() => {
    scanning = scanning.then(rescan).then(
      () => {
        lastError = undefined
      },
      (error) => {
        const text = messageOf(error)
        if (text !== lastError) log.warn({ interface: device, error: text }, 'listening for DHCP failed, retrying')
        lastError = text
      },
    )
  }, rescanMs).unref()

  return {
    send: ({ datagram, fromPort, to }) => {
      const socket = sockets.get(fromPort)
      if (socket !== undefined) sendDatagram(socket, datagram, to, log)
    },
    close: () => {
      isClosed = true
      clearInterval(timer)
      for (const socket of sockets.values()) socket.close()
      sockets = new Map()
    },
  }
}

async function openSockets(device: string, handle: (datagram: Datagram) => void, log: Logger) {
  const sockets = new Map<number, dgram.Socket>()
  const listen = async (port: Datagram['port']) => {
    const socket = await openDeviceSocket({ device, port, log })
    sockets.set(port, socket)
    socket.on('message', (bytes, { address, port: fromPort }) =>
      handle({ bytes, port, from: { address, port: fromPort } }),
    )
  }
  try {
    for (const port of [dhcpPorts.server, dhcpPorts.bootServer]) {
      const others = await namePortUsers(port)
      await listen(port).catch((error) => {
        throw new ConfigError(`BOOTWRIGHT_PROXY_DHCP: ${explain(error, device, port, others)}`)
      })
      if (others !== undefined)
        log.warn(
          { interface: device, port, others },
          'another program shares the port: broadcasts reach both, but packets from relays reach only one',
        )
    }
  } catch (error) {
    for (const socket of sockets.values()) socket.close()
    throw error
  }
  // A DHCP client of this host may need the port: a second socket could take its packets.
  const client = (await namePortUsers(dhcpPorts.client)) ?? (await listen(dhcpPorts.client).catch(messageOf))
  if (client !== undefined)
    log.debug({ interface: device, why: client }, 'answers of other DHCP servers are not seen: port 68 is in use')
  return sockets
}

async function namePortUsers(port: number): Promise<string | undefined> {
  const sockets = (await findForeignSockets([port])) ?? []
  return [...new Set(sockets.map(({ program }) => program))].join(', ') || undefined
}

function explain(error: unknown, device: string, port: number, others: string | undefined): string {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENODEV')
    return `expected the name of an interface, got "${device}". Interfaces: ${listInterfaces().join(', ')}`
  if (code === 'EADDRINUSE')
    return `port ${port} on ${device} is in use by ${others ?? 'another program, probably dnsmasq or dhcpd'}. Stop that program, or see docs/guide/proxy-dhcp.md`
  if (code === 'EACCES')
    return `ports below 1024 need root, or: sudo setcap cap_net_bind_service=+ep "$(readlink -f "$(which node)")"`
  if (code === 'EPERM')
    return 'before Linux 5.7 a socket of one interface needs root, or: sudo setcap cap_net_raw,cap_net_bind_service=+ep "$(readlink -f "$(which node)")"'
  return `cannot listen for DHCP on ${device}, port ${port}: ${messageOf(error)}`
}

function listInterfaces(): string[] {
  try {
    // proc(5): two lines of titles, then `name: numbers`. /sys may be that of another network namespace.
    return readFileSync('/proc/net/dev', 'utf8')
      .split('\n')
      .slice(2)
      .flatMap((line) => line.split(':', 1)[0]?.trim() || [])
  } catch {
    return []
  }
}
