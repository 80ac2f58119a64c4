// What a DHCP configuration must contain for this site, before it is written in the language of a DHCP server. Pure.
import { isBaseUrl } from '../../lib/base-url.ts'
import { InputError } from '../../lib/errors.ts'
import { type Mac, parseMac } from '../../lib/ids/mac.ts'
import { isIpv4 } from '../../lib/subnet.ts'
import { type FirmwareKind, firmwareKinds, nbpFor } from '../../model/firmware/kinds.ts'
import { isNbpName, type PresentNbp } from '../../model/firmware/nbp.ts'

/** The facts of a site that configurations need. */
export type SiteFacts = {
  /** The IPv4 address of the server, as machines reach it. */
  address: string
  /** Other addresses of the server, if nobody chose one. */
  otherAddresses?: string[]
  /** `http://host:port` of boot HTTP. */
  baseUrl: string
  /** Undefined if TFTP is off. */
  tftpPort: number | undefined
  nbps: PresentNbp[]
  /** Machines with a boot program of their own, or of a group. */
  choices?: { mac: Mac; bootProgram: string }[]
  /** More machines have such a choice than `choices` contains. */
  moreChoices?: boolean
}

/** A kind of firmware and its boot program. `file` is the name for TFTP, or the URL for HTTP Boot. */
export type FirmwareEntry = { kind: FirmwareKind; nbp: string; file: string }

/** Machines with the same boot program of their own, and the kinds of firmware that the program is for. */
export type OwnEntries = { nbp: string; macs: Mac[]; entries: FirmwareEntry[] }

/** The content of a configuration. */
export type DhcpSite = {
  address: string
  /** The URL of the bootstrap, for iPXE. */
  bootUrl: string
  entries: FirmwareEntry[]
  own: OwnEntries[]
  /** Sentences for the operator, at the top of the text. */
  notes: string[]
  /** Rare kinds of firmware that are not in the text, because the server has no boot program for them. */
  leftOut: FirmwareKind[]
}

/** Maximum machines with lines of their own. More of them are served better by proxyDHCP. */
const maxOwnMachines = 500

/** @throws InputError for an address or a URL that is not valid in a configuration */
export function planSite(facts: SiteFacts): DhcpSite {
  const { address, baseUrl, tftpPort } = facts
  if (!isIpv4(address)) throw new InputError({ field: 'address', value: address, expected: 'an IPv4 address' })
  if (!isBaseUrl(baseUrl)) throw new InputError({ field: 'baseUrl', value: baseUrl, expected: 'http://host[:port]' })
  const nbps = facts.nbps.filter(({ name }) => isNbpName(name))
  const served = firmwareKinds.filter(({ transport }) => transport === 'http' || tftpPort !== undefined)
  const entryFor = (kind: FirmwareKind, choice?: string): FirmwareEntry[] => {
    const nbp = nbpFor(kind.code, nbps, choice)
    return nbp === undefined ? [] : [{ kind, nbp, file: kind.transport === 'http' ? `${baseUrl}/nbp/${nbp}` : nbp }]
  }
  const entries = served.flatMap((kind) => entryFor(kind))
  const absent = absentKinds(served, entries)
  const choices = (facts.choices ?? []).slice(0, maxOwnMachines)
  const own = [...new Set(choices.map(({ bootProgram }) => bootProgram))].sort().map((nbp) => ({
    nbp,
    macs: choices.filter(({ bootProgram }) => bootProgram === nbp).map(({ mac }) => checkedMac(mac)),
    entries: entries.flatMap(({ kind, nbp: byDefault }) =>
      entryFor(kind, nbp).filter((entry) => entry.nbp === nbp && entry.nbp !== byDefault),
    ),
  }))
  return {
    address,
    bootUrl: `${baseUrl}/boot.ipxe`,
    entries,
    own: own.filter((machines) => machines.entries.length > 0),
    notes: notesOf(facts, absent.filter(isUsual), choices.length),
    leftOut: absent.filter((kind) => !isUsual(kind)),
  }
}

/** The boot programs of their own that machines with a kind of firmware get. */
export function ownFilesFor(kind: FirmwareKind, own: DhcpSite['own']): { nbp: string; macs: Mac[]; file: string }[] {
  return own.flatMap(({ nbp, macs, entries }) =>
    entries.filter((entry) => entry.kind.code === kind.code).map(({ file }) => ({ nbp, macs, file })),
  )
}

function checkedMac(mac: string): Mac {
  const parsed = parseMac(mac)
  if (parsed === undefined) throw new InputError({ field: 'mac', value: mac, expected: 'a MAC address' })
  return parsed
}

/** The kinds of firmware without a boot program, one for each kind of program. */
function absentKinds(served: FirmwareKind[], entries: FirmwareEntry[]): FirmwareKind[] {
  const missing = served.filter(
    ({ code, runs }) => runs !== undefined && !entries.some(({ kind }) => kind.code === code),
  )
  return missing.filter(({ runs }, index) => missing.findIndex((other) => other.runs === runs) === index)
}

/** Whether a site is likely to have machines of this kind. */
function isUsual({ runs }: FirmwareKind): boolean {
  return runs === 'bios' || runs === 'x86_64' || runs === 'arm64'
}

function notesOf(
  { address, otherAddresses = [], tftpPort, choices = [], moreChoices }: SiteFacts,
  absent: FirmwareKind[],
  written: number,
): string[] {
  const others = otherAddresses.filter((other) => isIpv4(other))
  return [
    ...(others.length > 0
      ? [
          `This server has several addresses, and this text names ${address}. The others are ${others.join(', ')}. To name another: --server ADDRESS.`,
        ]
      : []),
    ...(tftpPort === undefined
      ? ['TFTP is off on this server, so this text serves only iPXE and UEFI HTTP Boot. PXE firmware needs TFTP.']
      : []),
    ...(tftpPort !== undefined && tftpPort !== 69
      ? [
          `TFTP listens on port ${tftpPort}, but firmware always uses port 69. Forward port 69 of ${address} to this port.`,
        ]
      : []),
    ...(absent.length > 0
      ? [
          `No boot program is present for ${absent.map(({ words }) => words).join('; ')}. To serve such machines, put a program into the folder of boot programs, restart the server and print this text again.`,
        ]
      : []),
    ...(moreChoices || choices.length > written
      ? [`Only the first ${written} machines with a boot program of their own are in this text. proxyDHCP knows all.`]
      : []),
  ]
}
