// Machines, the keys that name them, and their names in messages.

import type { Mac } from '../lib/ids/mac.ts'
import type { Assignment } from './assignment.ts'
import type { Facts } from './facts.ts'

/** The computer being booted: the values that an operator entered, and the facts that it reported. */
export type Machine = {
  id: string
  macs: Mac[]
  /** Its name in lists and messages: the host name if no other machine has it, else a MAC. */
  name?: string
  /** True until an operator enters something about the machine. */
  discovered: boolean
  /** The address or network that a discovered machine asked from. */
  discoveredFrom: string
  /** Refused whatever is assigned. */
  denied: boolean
  uuid?: string
  serial?: string
  product?: string
  asset?: string
  hostname?: string
  labels: Record<string, string>
  assignment?: Assignment
  /** As last reported by the machine itself. */
  facts: Facts
  revision: number
  createdAt: Date
  updatedAt: Date
  lastSeenAt?: Date
}

/** How operators name a machine: by its id, one of its MACs, a UUID (its id, or the one of its board), or its host name. */
export type MachineKey = { id: string } | { mac: Mac } | { uuid: string } | { hostname: string }

/** The key as it was given. */
export function keyText(key: MachineKey): string {
  return Object.values(key)[0] as string
}

/** A machine's name in messages: its name or host name, else a MAC, else its id. */
export function nameOf({ id, name, hostname, macs }: NamedMachine): string {
  return name ?? hostname ?? macs[0] ?? id
}
type NamedMachine = { id: string; name?: string | undefined; hostname?: string | undefined; macs: string[] }

/** A machine's unique name for commands: a MAC, else its UUID, else its id. */
export function handleOf(machine: Pick<Machine, 'id' | 'macs' | 'uuid'>): string {
  return machine.macs[0] ?? machine.uuid ?? machine.id
}
