// Machines, and how messages name them.
import type { Mac } from '../lib/ids/mac.ts'
import type { Assignment } from './assignment.ts'
import type { Facts } from './facts.ts'
import type { FieldOwners, MachineSource } from './identity/field-owners.ts'

/** A computer that boots: what an operator entered, and what the machine reported. */
export type Machine = {
  id: string
  macs: Mac[]
  /** The name in lists and messages: its host name if that is unique, else a MAC. */
  name?: string
  /** True until an operator enters the machine. */
  discovered: boolean
  /** The address or network of a discovered machine's first request. */
  discoveredFrom: string
  /** Every boot is refused. */
  denied: boolean
  uuid?: string
  serial?: string
  product?: string
  asset?: string
  hostname?: string
  /** The day (`2027-03-31`) by which it is expected to ask for its first script. */
  expectedBy?: string
  labels: Record<string, string>
  assignment?: Assignment
  /** The owner of each field. Absent in the copy that decisions use. */
  owners?: FieldOwners
  /** The owners that name the machine in their synchronization. */
  sources?: MachineSource[]
  /** The last reported facts. */
  facts: Facts
  revision: number
  createdAt: Date
  updatedAt: Date
  lastSeenAt?: Date
}

/** How operators name a machine: by its id, a MAC, a UUID (its id, or its board's), or its host name. */
export type MachineKey = { id: string } | { mac: Mac } | { uuid: string } | { hostname: string }

/** The key as the operator typed it. */
export function keyText(key: MachineKey): string {
  return Object.values(key)[0] as string
}

/** The name of a machine in messages: its name, else its host name, else a MAC, else its id. */
export function nameOf({ id, name, hostname, macs }: NamedMachine): string {
  return name ?? hostname ?? macs[0] ?? id
}
type NamedMachine = { id: string; name?: string | undefined; hostname?: string | undefined; macs: string[] }

/** A machine's name in commands: a MAC, else its UUID, else its id. */
export function handleOf(machine: Pick<Machine, 'id' | 'macs' | 'uuid'>): string {
  return machine.macs[0] ?? machine.uuid ?? machine.id
}

/** The states of machines, with their meanings. A machine may have several. */
export const machineStates = {
  booting: 'a boot of the machine continues now',
  stalled: 'its last boot stays at a stage for too long',
  failed: 'its last boot failed',
  armed: 'a deployment waits for its next boot',
  started: 'a boot began its deployment',
  installing: 'its installer reported',
  denied: 'every boot is refused',
  discovered: 'seen on the network, not entered by an operator',
  expected: 'it has a day of arrival, and never asked for a script',
  'never-seen': 'it never asked for a script',
} as const
export type MachineState = keyof typeof machineStates
export const machineStateNames = Object.keys(machineStates) as [MachineState, ...MachineState[]]
