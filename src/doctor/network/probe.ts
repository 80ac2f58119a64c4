// The settings of a probe, and the words for its subjects.
import type { Logger } from '../../lib/log.ts'
import type { Facts } from '../../model/facts.ts'
import type { OwnNbp } from './boot-file.ts'
import type { Client } from './firmware-takes.ts'
import type { TftpPatience } from './tftp.ts'
import type { Patience } from './wire.ts'

/** The Bootwright to which the network should lead. */
export type OwnServer = {
  /** All IPv4 addresses of the server, and the host of its base URL if it is an address. */
  addresses: string[]
  nbps: OwnNbp[]
}

export type Probe = {
  device: string
  /** The own address on the interface. */
  address: string
  /** Undefined if the server is unknown: then no server counts as foreign. */
  server: OwnServer | undefined
  /** The machine whose script is fetched; undefined for a machine that Bootwright does not know. */
  mac?: string | undefined
  patience: Patience
  tftpPatience: TftpPatience
  /** Aborts when the time of the probe is over. */
  signal?: AbortSignal | undefined
  log: Logger
}

type MachineFacts = { [Name in 'platform' | 'cpuarch' | 'buildarch']?: Facts[Name] | undefined }

/** The codes of option 93 for a machine that has booted; undefined if its firmware is unknown. */
export function codesOfFacts({ platform, cpuarch, buildarch }: MachineFacts): number[] | undefined {
  if (platform === undefined) return undefined
  if (platform === 'pcbios') return [0]
  return (cpuarch ?? buildarch) === 'arm64' ? [11] : [7, 16]
}

/** `UEFI x86-64`, or `iPXE on UEFI x86-64`. */
export function wordsOf({ kind, isIpxe }: Client): string {
  return isIpxe ? `iPXE on ${kind.words}` : kind.words
}

/** Whether an address belongs to Bootwright; undefined if Bootwright is unknown. */
export function isOwn({ server }: Pick<Probe, 'server'>, address: string): boolean | undefined {
  return server?.addresses.includes(address)
}
