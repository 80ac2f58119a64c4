// Whether a machine with the offered address reaches the boot server: by its own subnet, or by a router that exists.
import dgram from 'node:dgram'
import { readFile } from 'node:fs/promises'
import { isIPv4 } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { optionCodes } from '../../lib/dhcp/option-codes.ts'
import { type Finding, fault } from '../finding.ts'
import { addressList, fileNames, givesAddress, networkOf, type Offer, serverOf, tftpServerOf } from './offers.ts'
import type { Probe } from './probe.ts'

const maxRouters = 4

/** The faults of the routes in these offers, each once. */
export async function judgeRoutes(probe: Probe, offers: readonly Offer[]): Promise<Finding[]> {
  const findings = new Map<string, Finding>()
  const routers = new Map<string, Promise<boolean | undefined>>()
  const isSilent = async (router: string) => {
    if (!routers.has(router) && routers.size < maxRouters) routers.set(router, answersArp(probe, router))
    return (await routers.get(router)) === false
  }
  for (const offer of offers.filter(givesAddress)) {
    const seen = await routeFault(offer, isSilent)
    if (seen === undefined) {
      const router = strayRouter(offer)
      if (router !== undefined)
        findings.set(
          router,
          fault({ check: 'router', where: probe.device }, 'BW-DHCP-ROUTER', router, { state: 'warning' }),
        )
    } else
      findings.set(seen, fault({ check: 'route to the boot server', where: probe.device }, 'BW-DHCP-NO-ROUTE', seen))
  }
  return [...findings.values()]
}

async function routeFault(offer: Offer, isSilent: (router: string) => Promise<boolean>): Promise<string | undefined> {
  const { packet } = offer
  const server = bootServerOf(offer)
  const [mask] = addressList(packet, optionCodes.subnetMask)
  if (server === undefined || mask === undefined || networkOf(server, mask) === networkOf(packet.yiaddr, mask))
    return undefined
  const outside = `${serverOf(offer)}: the boot server ${server} is outside the subnet ${networkOf(packet.yiaddr, mask)} (mask ${mask})`
  const [router] = addressList(packet, optionCodes.router)
  if (router === undefined) return `${outside}, and the offer has no router`
  if (networkOf(router, mask) !== networkOf(packet.yiaddr, mask))
    return `${outside}, and so is the offered router ${router}`
  return (await isSilent(router)) ? `${outside}, and no host answers ARP for the offered router ${router}` : undefined
}

/** A router that the machine cannot reach, although the boot server needs none. */
function strayRouter(offer: Offer): string | undefined {
  const { packet } = offer
  const [mask] = addressList(packet, optionCodes.subnetMask)
  const [router] = addressList(packet, optionCodes.router)
  if (mask === undefined || router === undefined) return undefined
  const network = networkOf(packet.yiaddr, mask)
  if (networkOf(router, mask) === network) return undefined
  const words = `the offered router ${router} is outside the subnet ${network} (mask ${mask})`
  return `${serverOf(offer)}: ${words}`
}

/** The address of the host from which the boot file comes; undefined without a file, or for a host name. */
function bootServerOf(offer: Offer): string | undefined {
  const { option, field } = fileNames(offer)
  const file = option ?? field
  if (file === undefined) return undefined
  const [, host] = /^[a-z]+:\/\/([^/:]+)/i.exec(file) ?? []
  const server = host ?? tftpServerOf(offer)
  return isIPv4(server) ? server : undefined
}

const arpMs = 1500
const pollMs = 100
/** The flag of an entry that has a hardware address (linux/if_arp.h, ATF_COM). */
const completeFlag = 2

/**
 * Whether a host answers ARP for an address. The kernel asks for the sake of a packet to the discard port. Undefined if the
 * address is not in the own subnet, or on a system without /proc.
 */
async function answersArp({ device, address }: Probe, router: string): Promise<boolean | undefined> {
  const socket = dgram.createSocket('udp4')
  socket.on('error', () => {})
  try {
    await new Promise<void>((resolve) => socket.bind(0, address, resolve))
    socket.send(Buffer.alloc(1), 9, router, () => {})
    for (const until = performance.now() + arpMs; performance.now() < until; await sleep(pollMs)) {
      if (((await arpFlags(device, router)) ?? 0) & completeFlag) return true
    }
    return (await arpFlags(device, router)) === undefined ? undefined : false
  } finally {
    socket.close()
  }
}

/** The flags of an entry in the ARP table (proc(5)): `IP address, HW type, Flags, HW address, Mask, Device`. */
async function arpFlags(device: string, address: string): Promise<number | undefined> {
  const text = await readFile('/proc/net/arp', 'utf8').catch(() => '')
  const entries = text.split('\n').map((line) => line.split(/\s+/))
  const entry = entries.find(([ip, , , , , name]) => ip === address && name === device)
  return entry === undefined ? undefined : Number(entry[2])
}
