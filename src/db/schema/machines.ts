// Tables of machines, and of what groups, menus and the policy say of them.

import { sql } from 'drizzle-orm'
import { boolean, index, integer, jsonb, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
import type { Assignment } from '../../model/assignment.ts'
import type { Facts } from '../../model/facts.ts'
import type { FieldOwners } from '../../model/identity/field-owners.ts'
import type { MenuEntry } from '../../model/menu.ts'
import type { Policy } from '../../model/policy.ts'
import type { PowerSetting } from '../../model/power/power.ts'
import type { Condition } from '../../model/selector.ts'
import { history, moment } from './columns.ts'

export const machines = pgTable(
  'machines',
  {
    /** UUIDv7: ids in the order of creation, which the lists page by. */
    id: uuid('id').primaryKey(),
    /** True until an operator enters something about the machine. */
    discovered: boolean('discovered').notNull(),
    /** The address or network that a discovered machine asked from. Their number is limited for each. */
    discoveredFrom: text('discovered_from').notNull().default(''),
    /** The machine is refused, whatever is assigned. */
    denied: boolean('denied').notNull().default(false),
    /** The values that an operator entered. Reported values are in `facts` and identify nothing. */
    uuid: text('uuid'),
    serial: text('serial'),
    product: text('product'),
    asset: text('asset'),
    hostname: text('hostname'),
    /** The day (`2027-03-31`) by which the machine is expected to ask for its first script. */
    expectedBy: text('expected_by'),
    labels: jsonb('labels').$type<Record<string, string>>().notNull().default({}),
    assignment: jsonb('assignment').$type<Assignment>(),
    /** The owner of each field (docs/decisions/019-sync.md). */
    owners: jsonb('owners').$type<FieldOwners>().notNull().default({}),
    /** As last reported by the machine itself. */
    facts: jsonb('facts').$type<Facts>().notNull().default({}),
    ...history(),
    lastSeenAt: moment('last_seen_at'),
  },
  (table) => [
    // Of the machines that share a value, a look-up reads the first few in this order.
    index('machines_uuid').on(table.uuid, table.discovered, table.id),
    index('machines_serial').on(
      sql`lower(regexp_replace(${table.serial}, '\\s+', ' ', 'g'))`,
      sql`lower(regexp_replace(${table.product}, '\\s+', ' ', 'g'))`,
      table.discovered,
      table.id,
    ),
    index('machines_hostname').on(table.hostname),
    index('machines_reported_uuid').on(sql`(${table.facts} ->> 'uuid')`, table.discovered, table.id),
    index('machines_reported_serial').on(
      sql`lower(regexp_replace(${table.facts} ->> 'serial', '\\s+', ' ', 'g'))`,
      sql`lower(regexp_replace(${table.facts} ->> 'product', '\\s+', ' ', 'g'))`,
      table.discovered,
      table.id,
    ),
    index('machines_seen').on(table.lastSeenAt.desc().nullsLast(), table.id.desc().nullsFirst()),
    index('machines_pinned')
      .on(sql`(${table.assignment} ->> 'image')`, sql`(${table.assignment} ->> 'version')`)
      .where(sql`${table.assignment} ? 'version'`),
    index('machines_discovered').on(table.discoveredFrom, table.lastSeenAt).where(sql`${table.discovered}`),
  ],
)

export const machineMacs = pgTable(
  'machine_macs',
  {
    mac: text('mac').primaryKey(),
    machineId: uuid('machine_id')
      .notNull()
      .references(() => machines.id, { onDelete: 'cascade' }),
  },
  (table) => [index('machine_macs_machine').on(table.machineId)],
)

/**
 * What a search reads: one narrow row for each machine. Triggers keep it (docs/decisions/013-search.md). Each value is
 * between two line feeds.
 */
export const machineSearch = pgTable('machine_search', {
  machineId: uuid('machine_id')
    .primaryKey()
    .references(() => machines.id, { onDelete: 'cascade' }),
  /** In lower case: host name, serial, product, manufacturer, asset tag, address, image, menu, `key=value` of each label, and external ids. */
  words: text('words').notNull(),
  /** Hexadecimal digits without separators. */
  macs: text('macs').notNull(),
  uuids: text('uuids').notNull(),
  /** Values that many machines share, in their case: `platform=efi`, `image=debian-12`, `label.rack=b4`, `fact.product=X1`. */
  traits: text('traits').notNull(),
})

/** Merged machines: the id of the first still finds the second. */
export const machineMerges = pgTable('machine_merges', {
  fromId: uuid('from_id').primaryKey(),
  intoId: uuid('into_id')
    .notNull()
    .references(() => machines.id, { onDelete: 'cascade' }),
  at: moment('at').notNull().defaultNow(),
})

/**
 * MACs that asked with the UUID or serial of an entered machine without these MACs; an empty text if the request had
 * no MAC.
 * With a second MAC the value no longer identifies the machine. Triggers delete the rows when its MACs, UUID or serial
 * change.
 */
export const identityClaims = pgTable(
  'identity_claims',
  {
    machineId: uuid('machine_id')
      .notNull()
      .references(() => machines.id, { onDelete: 'cascade' }),
    mac: text('mac').notNull(),
    facts: jsonb('facts').$type<Facts>().notNull(),
    at: moment('at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.machineId, table.mac] })],
)

/** Requests that matched several entered machines. */
export const conflicts = pgTable('conflicts', {
  /** The ids of those machines, in order. */
  key: text('key').primaryKey(),
  facts: jsonb('facts').$type<Facts>().notNull(),
  firstAt: moment('first_at').notNull().defaultNow(),
  lastAt: moment('last_at').notNull().defaultNow(),
  times: integer('times').notNull().default(1),
})

export const groups = pgTable('groups', {
  name: text('name').primaryKey(),
  title: text('title').notNull().default(''),
  priority: integer('priority').notNull().default(0),
  selector: jsonb('selector').$type<Condition[]>().notNull(),
  assignment: jsonb('assignment').$type<Assignment>().notNull(),
  ...history(),
})

export const menus = pgTable('menus', {
  name: text('name').primaryKey(),
  title: text('title').notNull(),
  /** Null: the menu waits forever. */
  timeoutSeconds: integer('timeout_seconds'),
  defaultEntry: text('default_entry'),
  entries: jsonb('entries').$type<MenuEntry[]>().notNull(),
  ...history(),
})

export const policies = pgTable('policies', {
  /** One row: what machines without an assignment boot. */
  id: integer('id').primaryKey(),
  policy: jsonb('policy').$type<Policy>().notNull(),
})

/** Write-only values for answer files: sealed (lib/seal.ts). */
export const secrets = pgTable(
  'secrets',
  {
    ownerKind: text('owner_kind').$type<'machine' | 'group'>().notNull(),
    /** A machine's id or a group's name. */
    owner: text('owner').notNull(),
    name: text('name').notNull(),
    sealed: text('sealed').notNull(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.ownerKind, table.owner, table.name] })],
)

/** How machines are powered. The password is sealed for the machine (lib/seal.ts). */
export const machinePower = pgTable('machine_power', {
  machineId: uuid('machine_id')
    .primaryKey()
    .references(() => machines.id, { onDelete: 'cascade' }),
  setting: jsonb('setting').$type<PowerSetting>().notNull(),
  sealed: text('sealed'),
  ...history(),
})
