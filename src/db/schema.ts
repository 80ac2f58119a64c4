import { sql } from 'drizzle-orm'
import {
  bigint,
  bigserial,
  boolean,
  check,
  date,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core'
import type { AnswerDocument } from '../model/answer-file.ts'
import type { Assignment } from '../model/assignment.ts'
import type { Outcome, Stage } from '../model/boot.ts'
import type { Decision } from '../model/decision.ts'
import type { DeploymentState } from '../model/deployment.ts'
import type { Facts } from '../model/facts.ts'
import type { ImportPlan, ImportState, Variant } from '../model/image.ts'
import type { MenuEntry } from '../model/menu.ts'
import type { Policy } from '../model/policy.ts'
import type { Condition } from '../model/selector.ts'
import { isActiveSql } from './deployment-conditions.ts'

const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })
/** Of everything that operators change: when, and which revision it is, for ETag and If-Match. */
const history = () => ({
  revision: integer('revision').notNull().default(1),
  createdAt: moment('created_at').notNull().defaultNow(),
  updatedAt: moment('updated_at').notNull().defaultNow(),
})
/** The order in which rows were made. Ids do not tell it: they come from the clocks of processes, which differ and are set back. */
const order = () => ({ seq: bigserial('seq', { mode: 'number' }).notNull() })

export const machines = pgTable(
  'machines',
  {
    /** UUIDv7: ids in the order of creation, which the lists page by. */
    id: uuid('id').primaryKey(),
    /** True until an operator has said something about it. */
    discovered: boolean('discovered').notNull(),
    /** The address or network that a discovered machine asked from; none has more than its share of them. */
    discoveredFrom: text('discovered_from').notNull().default(''),
    /** Refused whatever is assigned. */
    denied: boolean('denied').notNull().default(false),
    /** What an operator entered; what the machine reports stands in `facts` alone, and is no key. */
    uuid: text('uuid'),
    serial: text('serial'),
    product: text('product'),
    asset: text('asset'),
    hostname: text('hostname'),
    labels: jsonb('labels').$type<Record<string, string>>().notNull().default({}),
    assignment: jsonb('assignment').$type<Assignment>(),
    /** As last reported by the machine itself. */
    facts: jsonb('facts').$type<Facts>().notNull().default({}),
    ...history(),
    lastSeenAt: moment('last_seen_at'),
  },
  (table) => [
    index('machines_uuid').on(table.uuid),
    index('machines_serial').on(sql`lower(regexp_replace(${table.serial}, '\\s+', ' ', 'g'))`),
    index('machines_hostname').on(table.hostname),
    index('machines_reported_uuid').on(sql`(${table.facts} ->> 'uuid')`),
    index('machines_reported_serial').on(sql`lower(regexp_replace(${table.facts} ->> 'serial', '\\s+', ' ', 'g'))`),
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

/** A machine that was merged into another: its id goes on to mean that one. */
export const machineMerges = pgTable('machine_merges', {
  fromId: uuid('from_id').primaryKey(),
  intoId: uuid('into_id')
    .notNull()
    .references(() => machines.id, { onDelete: 'cascade' }),
  at: moment('at').notNull().defaultNow(),
})

/**
 * The MACs that asked with the UUID or serial of an entered machine that does not have them; an empty text for none. A
 * second one, and the value is no key any more. Forgotten (by triggers) when the machine's MACs, UUID or serial change.
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

/** Requests that several entered machines laid claim to. */
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
  /** Null: it waits for ever. */
  timeoutSeconds: integer('timeout_seconds'),
  defaultEntry: text('default_entry'),
  entries: jsonb('entries').$type<MenuEntry[]>().notNull(),
  ...history(),
})

export const answerFiles = pgTable('answer_files', {
  name: text('name').primaryKey(),
  title: text('title').notNull().default(''),
  currentVersion: integer('current_version').notNull(),
  ...history(),
})

export const answerFileVersions = pgTable(
  'answer_file_versions',
  {
    answerFile: text('answer_file')
      .notNull()
      .references(() => answerFiles.name, { onDelete: 'cascade' }),
    version: integer('version').notNull(),
    documents: jsonb('documents').$type<AnswerDocument[]>().notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.answerFile, table.version] })],
)

/** Values for answer files that nobody can read back: sealed (src/seal.ts). */
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

export const files = pgTable('files', {
  sha256: text('sha256').primaryKey(),
  name: text('name').notNull(),
  sizeBytes: bigint('size_bytes', { mode: 'number' }).notNull(),
  createdAt: moment('created_at').notNull().defaultNow(),
  /** When its bytes were last hashed again. */
  checkedAt: moment('checked_at'),
  /** Why it is not served, in words; null while its bytes are what they should be. */
  damage: text('damage'),
})

export const images = pgTable('images', {
  name: text('name').primaryKey(),
  title: text('title').notNull(),
  currentVersion: integer('current_version').notNull(),
  /** The last day with updates. */
  endOfLife: date('end_of_life', { mode: 'string' }),
  ...history(),
})

export const imageVersions = pgTable(
  'image_versions',
  {
    image: text('image')
      .notNull()
      .references(() => images.name, { onDelete: 'cascade' }),
    version: integer('version').notNull(),
    variants: jsonb('variants').$type<Variant[]>().notNull(),
    /** Where it came from: a recipe, a URL, a file; null when it was put together by hand. */
    source: text('source'),
    /** Booting it may write to the machine's disk; null where neither a recipe, a layout nor an operator decided that. */
    installer: boolean('installer'),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.image, table.version] })],
)

/** Images on their way in: what is fetched, how far it is, and how it ended. */
export const imports = pgTable(
  'imports',
  {
    id: uuid('id').primaryKey(),
    ...order(),
    /** The image it becomes; null until what was fetched says its name. */
    image: text('image'),
    /** What is to be fetched and made of it. */
    plan: jsonb('plan').$type<ImportPlan>().notNull(),
    state: text('state').$type<ImportState>().notNull(),
    /** What is being done now, and how far that is. */
    doing: text('doing').notNull().default(''),
    doneBytes: bigint('done_bytes', { mode: 'number' }).notNull().default(0),
    totalBytes: bigint('total_bytes', { mode: 'number' }),
    /** Why it failed; of one that is done, what should be known before it is booted. */
    message: text('message'),
    /** The version that it made. */
    version: integer('version'),
    actor: text('actor').notNull(),
    /** The server that runs it, by the id in its data folder: what arrived so far lies there. */
    server: text('server').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
    updatedAt: moment('updated_at').notNull().defaultNow(),
    endedAt: moment('ended_at'),
  },
  (table) => [index('imports_open').on(table.seq).where(sql`${table.endedAt} is null`)],
)

export const deployments = pgTable(
  'deployments',
  {
    id: uuid('id').primaryKey(),
    ...order(),
    machineId: uuid('machine_id')
      .notNull()
      .references(() => machines.id, { onDelete: 'cascade' }),
    image: text('image').notNull(),
    /** The image's version that was current when it was armed; null: whichever is current when the machine boots. */
    version: integer('version'),
    /** What was armed together has the same. */
    batch: uuid('batch'),
    /** What it says besides the image: args, answer file, params. */
    assignment: jsonb('assignment').$type<Assignment>().notNull(),
    state: text('state').$type<DeploymentState>().notNull().default('armed'),
    attempts: integer('attempts').notNull().default(0),
    maxAttempts: integer('max_attempts').notNull(),
    windowSeconds: integer('window_seconds').notNull(),
    /** Why it failed or was cancelled; what the machine said when it was installed. */
    reason: text('reason'),
    armedBy: text('armed_by').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
    startedAt: moment('started_at'),
    endedAt: moment('ended_at'),
  },
  (table) => [
    uniqueIndex('deployments_active').on(table.machineId).where(isActiveSql(table.state)),
    index('deployments_machine').on(table.machineId, table.seq),
    index('deployments_state').on(table.state, table.seq),
    index('deployments_order').on(table.seq),
    index('deployments_batch').on(table.batch),
  ],
)

export const boots = pgTable(
  'boots',
  {
    id: uuid('id').primaryKey(),
    ...order(),
    tokenHash: text('token_hash').notNull().unique(),
    machineId: uuid('machine_id').references(() => machines.id, { onDelete: 'set null' }),
    mac: text('mac'),
    ip: text('ip').notNull(),
    image: text('image'),
    version: integer('version'),
    decision: jsonb('decision').$type<Decision>().notNull(),
    /** Undefined while the boot goes on. */
    outcome: text('outcome').$type<Outcome>(),
    message: text('message'),
    /** What the machine said of itself when it asked for the script. */
    facts: jsonb('facts').$type<Facts>().notNull().default({}),
    deploymentId: uuid('deployment_id').references(() => deployments.id, { onDelete: 'set null' }),
    /** The script as it was served, without its token. */
    script: text('script').notNull().default(''),
    /** The machine went past its script with it: iPXE was about to jump, or an installer asked for its answers. */
    progressed: boolean('progressed').notNull().default(false),
    /** The last thing seen, and when. */
    stage: text('stage').$type<Stage>().notNull().default('script'),
    movedAt: moment('moved_at').notNull().defaultNow(),
    /** The step that the installer named last, and when its system last reported anything: it may report without moving. */
    progress: text('progress'),
    heardAt: moment('heard_at'),
    /** A report of the booted system is to be expected, so that its absence means something. */
    reports: boolean('reports').notNull().default(false),
    startedAt: moment('started_at').notNull().defaultNow(),
    endedAt: moment('ended_at'),
  },
  (table) => [
    index('boots_machine').on(table.machineId, table.seq),
    index('boots_order').on(table.seq),
    index('boots_open').on(table.movedAt).where(sql`${table.outcome} is null`),
  ],
)

export const bootEvents = pgTable(
  'boot_events',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    /** Null for what is seen before the script: firmware gives an address, not a boot. Joined to the boot when that opens. */
    bootId: uuid('boot_id').references(() => boots.id, { onDelete: 'cascade' }),
    ip: text('ip').notNull(),
    stage: text('stage').notNull(),
    file: text('file'),
    bytes: bigint('bytes', { mode: 'number' }),
    durationMs: integer('duration_ms'),
    message: text('message'),
    at: moment('at').notNull().defaultNow(),
  },
  (table) => [
    index('boot_events_boot').on(table.bootId),
    index('boot_events_ip').on(table.ip, table.at).where(sql`${table.bootId} is null`),
  ],
)

export const policies = pgTable('policies', {
  /** One row: what machines boot that nothing else speaks for. */
  id: integer('id').primaryKey(),
  policy: jsonb('policy').$type<Policy>().notNull(),
})

/** One row: counted up by triggers whenever something changes that every script depends on (inventory/catalog.ts). */
export const catalog = pgTable('catalog', {
  id: integer('id').primaryKey(),
  revision: bigint('revision', { mode: 'number' }).notNull(),
})

/** What was changed, by whom, from what to what: the audit log, the change feed and the webhooks read it. */
export const changes = pgTable(
  'changes',
  {
    id: bigserial('id', { mode: 'number' }).primaryKey(),
    /** The transaction: a reader follows in the order of these, and only up to the oldest that is still open. */
    tx: bigint('tx', { mode: 'number' }).notNull().default(sql`(pg_current_xact_id()::text)::bigint`),
    at: moment('at').notNull().defaultNow(),
    actor: text('actor').notNull(),
    /** `machine.changed`, `deployment.installed`, … */
    type: text('type').notNull(),
    /** What it is about: a machine's id, a group's name, … */
    subject: text('subject').notNull(),
    before: jsonb('before'),
    after: jsonb('after'),
  },
  (table) => [
    index('changes_order').on(table.tx, table.id),
    index('changes_subject').on(table.subject, table.id),
    index('changes_at').on(table.at),
  ],
)

export const webhooks = pgTable('webhooks', {
  id: uuid('id').primaryKey(),
  url: text('url').notNull(),
  /** Beginnings of the types of changes that are sent; none means all. */
  types: jsonb('types').$type<string[]>().notNull(),
  /** What its messages are signed with, sealed. */
  sealed: text('sealed').notNull(),
  active: boolean('active').notNull().default(true),
  /** The last change that was queued for it. */
  cursorTx: bigint('cursor_tx', { mode: 'number' }).notNull(),
  cursorId: bigint('cursor_id', { mode: 'number' }).notNull(),
  ...history(),
})

/** Messages not yet delivered, and those given up. */
export const webhookDeliveries = pgTable(
  'webhook_deliveries',
  {
    id: uuid('id').primaryKey(),
    webhookId: uuid('webhook_id')
      .notNull()
      .references(() => webhooks.id, { onDelete: 'cascade' }),
    changeId: bigint('change_id', { mode: 'number' }).notNull(),
    body: text('body').notNull(),
    attempts: integer('attempts').notNull().default(0),
    nextAt: moment('next_at').notNull().defaultNow(),
    dead: boolean('dead').notNull().default(false),
    error: text('error'),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [
    index('webhook_deliveries_due').on(table.nextAt).where(sql`not ${table.dead}`),
    index('webhook_deliveries_webhook').on(table.webhookId, table.id),
  ],
)

/** Answers to POST requests that were sent with an Idempotency-Key, so that a repeated one gets the same. */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    actor: text('actor').notNull(),
    key: text('key').notNull(),
    /** Of the method, the path and the body. */
    requestHash: text('request_hash').notNull(),
    status: integer('status').notNull(),
    /** The answer, sealed: it may hold a new token. */
    sealed: text('sealed').notNull(),
    createdAt: moment('created_at').notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.actor, table.key] })],
)

export const tokens = pgTable('tokens', {
  id: uuid('id').primaryKey(),
  name: text('name').notNull(),
  hash: text('hash').notNull().unique(),
  createdAt: moment('created_at').notNull().defaultNow(),
  lastUsedAt: moment('last_used_at'),
  revokedAt: moment('revoked_at'),
})

/** One row: what all servers on this database must agree on. */
export const installation = pgTable(
  'installation',
  {
    id: integer('id').primaryKey(),
    /** Which key secrets are sealed with, without telling the key. */
    secretKeyId: text('secret_key_id'),
    /** Which store has the files of images. */
    storeId: text('store_id'),
    /** The newest program that opened the database. */
    programVersion: text('program_version'),
  },
  (table) => [check('installation_one_row', sql`${table.id} = 1`)],
)
