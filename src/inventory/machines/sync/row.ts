// What a synchronization reads and plans: rows of an owner, what they change, and what stays.

import type { Mac } from '../../../lib/ids/mac.ts'
import type { FieldOwners } from '../../../model/identity/field-owners.ts'
import type { Machine } from '../../../model/machine.ts'
import type { MachineChange } from '../fields.ts'
import type { BadRow, Existing, Outcome, PlannedRow } from '../plan.ts'

/** A row of an owner. `change.macs` has all MACs that the row names. */
export type SyncRow = {
  line: number
  id?: string | undefined
  externalId?: string | undefined
  change: MachineChange
}

/** A machine that was archived. `machine` has its values at that time, without its MACs. */
export type ArchivedMachine = {
  id: string
  name: string
  macs: Mac[]
  machine: Machine
  archivedAt: Date
  archivedBy: string
  reason: string
}

/** What the inventory has that the rows of an owner refer to. */
export type SyncExisting = Existing & {
  /** The machines that the owner named before. */
  owned: Machine[]
  archived: ArchivedMachine[]
  /** The ids of machines with an active deployment. */
  busy: ReadonlySet<string>
}

/** What a synchronization may do. `takeOver`: replace what people and other owners set. */
export type SyncOptions = { owner: string; prune: boolean; takeOver: boolean }

/** A value that stays although the row has another one. `by` set it. */
export type KeptField = { field: string; value: unknown; given: unknown; by: string; at?: string; isPerson: boolean }

/** The result of a row. `restores`: the machine is archived. */
export type SyncedRow = Omit<PlannedRow, 'outcome'> & {
  outcome: Outcome | 'restored'
  owners: FieldOwners
  /** The id of the machine in the inventory of the owner. */
  externalId: string | undefined
  kept: KeptField[]
  /** Fields that the owner set before, and that its row no longer has. */
  dropped: string[]
  restores?: ArchivedMachine
}

/** A machine that the owner no longer names. `released`: only the owner's fields are cleared. */
export type Removal = {
  outcome: 'archived' | 'released' | 'kept'
  machine: Machine
  /** The machine without the owner's fields; undefined if it stays as it is, or is archived. */
  after?: Machine
  owners?: FieldOwners
  why: string
}

/** What a synchronization would do. `moved`: machines without a row that lose a MAC. */
export type SyncPlan = {
  rows: SyncedRow[]
  bad: BadRow[]
  removals: Removal[]
  moved: PlannedRow[]
  /** The machines that the owner named before. */
  owned: number
}
