// Probes one interface as a PXE client of each kind, and says what each kind would boot.
import { messageOf } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import { listAddresses, listReachableAddresses } from '../../lib/net/own-addresses.ts'
import { type FirmwareKind, findFirmwareKind } from '../../model/firmware/kinds.ts'
import { type Finding, fault } from '../finding.ts'
import { createFetches } from './fetches.ts'
import type { Client } from './firmware-takes.ts'
import { type Followed, followClient } from './follow.ts'
import { givesAddress } from './offers.ts'
import { isDropped, judgeDropped, judgeForeign, judgeNoAddress, judgeServers } from './presence.ts'
import { type OwnServer, type Probe, wordsOf } from './probe.ts'
import { judgeRoutes } from './route.ts'
import { type TftpPatience, usualTftpPatience } from './tftp.ts'
import { openWire, type Patience, usualPatience, type Wire } from './wire.ts'

export type InterfaceOptions = {
  device: string
  server: OwnServer | undefined
  /** Codes of option 93; by default the usual ones. */
  codes?: number[] | undefined
  mac?: string | undefined
  patience?: Patience | undefined
  tftpPatience?: TftpPatience | undefined
  signal?: AbortSignal | undefined
  log: Logger
}

/** BIOS, UEFI x86-64 by PXE and by HTTP Boot, UEFI arm64: the machines of today. */
const usualCodes = [0, 7, 16, 11]

/** The checks of a network, in the order of a boot. Never throws. */
export async function probeInterface(options: InterfaceOptions): Promise<Finding[]> {
  const { device, server, mac, patience = usualPatience, tftpPatience = usualTftpPatience, signal, log } = options
  const address = findAddress(device)
  const subject = { check: 'network probe', where: device }
  if (address === undefined)
    return [
      fault(subject, 'BW-PROBE', `${device} does not exist, is down, or has no IPv4 address`, { todo: whichDevices() }),
    ]
  const probe: Probe = { device, address, server, mac, patience, tftpPatience, signal, log }
  const wires = await openAny(probe)
  if ('error' in wires) return [fault(subject, 'BW-PROBE', `UDP port 68 cannot be opened: ${wires.error}`)]
  try {
    return await probeClients(probe, wires.wire, clientsOf(options))
  } finally {
    wires.wire.close()
  }
}

/** A client's port if this process may take it, else a relay's. */
async function openAny({ device, address, patience, log }: Probe): Promise<{ wire: Wire } | { error: string }> {
  try {
    return { wire: await openWire({ device, address }, patience, log) }
  } catch (error) {
    try {
      return { wire: await openWire({ device, address, relay: true }, patience, log) }
    } catch {
      return { error: messageOf(error) }
    }
  }
}

async function probeClients(probe: Probe, wire: Wire, clients: Client[]): Promise<Finding[]> {
  const heard = await wire.discover(clients)
  const dropped = judgeDropped(probe, heard.flat())
  const offers = heard.map((list) => list.filter((offer) => !isDropped(offer)))
  const answered = clients.map((client, at) => ({ client, offers: offers[at] ?? [] }))
  const foreign = [...dropped, ...judgeForeign(probe, offers.flat())]
  if (!offers.flat().some(givesAddress))
    return dropped.length > 0 ? foreign : [judgeNoAddress(probe, answered, await wire.inform()), ...foreign]
  const routes = await judgeRoutes(probe, offers.flat())
  const fetches = createFetches(probe)
  const followed = await Promise.all(
    answered.map(async ({ client, offers }) => ({
      client,
      ...(await followClient(probe, wire, fetches, client, offers)),
    })),
  )
  return [
    ...judgeServers(probe, answered),
    ...foreign,
    ...routes,
    ...mergeClients(softenRare(followed)),
    ...noteLocal(probe),
  ]
}

/** A probe on the boot server itself never passes the firewall that machines meet. */
function noteLocal({ device, server }: Probe): Finding[] {
  const own = listReachableAddresses().find(({ address }) => server?.addresses.includes(address))
  if (own === undefined) return []
  const seen = `this computer is the boot server (${own.address}), so the probe met no firewall on its way`
  return [fault({ check: 'firewalls', where: device }, 'BW-PROBE-LOCAL', seen, { state: 'unknown' })]
}

/** The next step after an interface that cannot be probed: the interfaces of this computer. */
export function whichDevices(): string[] {
  const devices = listReachableAddresses().map(({ device, address }) => `${device} (${address})`)
  return [
    'Name the interface of the boot network: `bootwright doctor --interface NAME`.',
    devices.length === 0
      ? 'No interface of this computer has an IPv4 address. Give one an address first.'
      : `Interfaces of this computer with an IPv4 address: ${devices.slice(0, 8).join(', ')}.`,
  ]
}

type ClientFindings = Followed & { client: Client }

/**
 * A network without a boot file for any firmware is broken. A network with boot files for some firmware may have no machines of
 * the others.
 */
function softenRare(list: ClientFindings[]): ClientFindings[] {
  if (!list.some(({ namesFile }) => namesFile)) return list
  const soften = (finding: Finding) =>
    finding.code === 'BW-DHCP-NO-FILE' ? { ...finding, state: 'warning' as const } : finding
  return list.map((found) => (found.client.isIpxe ? found : { ...found, findings: found.findings.map(soften) }))
}

function clientsOf({ codes, server }: InterfaceOptions): Client[] {
  const hasArm = server === undefined || server.nbps.some(({ name }) => /arm64|aa64/.test(name))
  const chosen = codes ?? usualCodes.filter((code) => code !== 11 || hasArm)
  const kinds = chosen.map(findFirmwareKind).filter((kind): kind is FirmwareKind => kind !== undefined)
  const loaders = kinds.filter(({ runs, transport }) => runs !== undefined && transport === 'tftp')
  return [...kinds.map((kind) => ({ kind, isIpxe: false })), ...loaders.map((kind) => ({ kind, isIpxe: true }))]
}

/** The same result for several clients is one finding, which names all of them. */
function mergeClients(list: readonly ClientFindings[]): Finding[] {
  const merged = new Map<string, { finding: Finding; clients: Client[] }>()
  for (const { client, findings } of list)
    for (const finding of findings) {
      const key = JSON.stringify(finding)
      merged.set(key, { finding, clients: [...(merged.get(key)?.clients ?? []), client] })
    }
  return [...merged.values()].map(({ finding, clients }) => ({
    ...finding,
    check: `${finding.check} for ${clients.map(wordsOf).join(', ')}`,
  }))
}

/** The first IPv4 address of an interface. */
export function findAddress(device: string): string | undefined {
  return listAddresses().find((own) => own.device === device)?.address
}
