// Webhooks and the queue of their messages.

import { randomBytes } from 'node:crypto'
import { and, asc, eq, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import { webhookDeliveries, webhooks } from '../../db/schema/changes.ts'
import { NotFoundError, requireFound } from '../../lib/errors.ts'
import { newId } from '../../lib/ids/uuid.ts'
import type { Sealer } from '../../lib/seal.ts'
import { type Actor, isOfTypes, lastChange, listChangesAfter, recordChanges } from './changes.ts'

/** Where changes are sent, without the secret that signs them. */
export type Webhook = {
  id: string
  url: string
  /** Types of changes, or their nouns; none means all. */
  types: string[]
  active: boolean
  createdAt: Date
  updatedAt: Date
}

/** A message that could not be delivered. */
export type DeadDelivery = {
  id: string
  changeId: number
  body: string
  attempts: number
  error: string | null
  createdAt: Date
}

const columns = {
  id: webhooks.id,
  url: webhooks.url,
  types: webhooks.types,
  active: webhooks.active,
  createdAt: webhooks.createdAt,
  updatedAt: webhooks.updatedAt,
}

/** Creates a webhook for changes from now on. The result shows its secret this once. */
export async function createWebhook(
  db: Db,
  sealer: Sealer,
  { url, types }: Pick<Webhook, 'url' | 'types'>,
  by: Actor,
): Promise<Webhook & { secret: string }> {
  const id = newId()
  const secret = `whsec_${randomBytes(32).toString('base64')}`
  return db.transaction(async (tx) => {
    const last = await lastChange(tx)
    const [row] = await tx
      .insert(webhooks)
      .values({ id, url, types, sealed: sealer.seal(secret, sealedFor(id)), cursorTx: last.tx, cursorId: last.id })
      .returning(columns)
    await recordChanges(tx, [{ actor: by, type: 'webhook.created', subject: id, after: auditView({ url, types }) }])
    return { ...(row as Webhook), secret }
  })
}

export async function listWebhooks(db: Db): Promise<Webhook[]> {
  return db.select(columns).from(webhooks).orderBy(asc(webhooks.createdAt), asc(webhooks.id))
}

/** @throws NotFoundError */
export async function changeWebhook(
  db: Db,
  id: string,
  change: { [Field in 'url' | 'types' | 'active']?: Webhook[Field] | undefined },
  by: Actor,
): Promise<Webhook> {
  return db.transaction(async (tx) => {
    const [before] = await tx.select(columns).from(webhooks).where(eq(webhooks.id, id)).for('update')
    requireFound(before, `webhook ${id}`)
    const given = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined))
    const [after] = await tx
      .update(webhooks)
      .set({ ...given, updatedAt: sql`now()` })
      .where(eq(webhooks.id, id))
      .returning(columns)
    await recordChanges(tx, [
      {
        actor: by,
        type: 'webhook.changed',
        subject: id,
        before: auditView(before),
        after: auditView(after as Webhook),
      },
    ])
    return after as Webhook
  })
}

/** Deletes a webhook with its undelivered messages. @throws NotFoundError */
export async function deleteWebhook(db: Db, id: string, by: Actor): Promise<void> {
  await db.transaction(async (tx) => {
    const [row] = await tx.delete(webhooks).where(eq(webhooks.id, id)).returning(columns)
    requireFound(row, `webhook ${id}`)
    await recordChanges(tx, [{ actor: by, type: 'webhook.deleted', subject: id, before: auditView(row) }])
  })
}

/** A webhook in the audit log, which viewers and other webhooks read: without the path and query of its URL, which may contain a key. */
function auditView({ url, types, active }: Pick<Webhook, 'url' | 'types'> & { active?: boolean }) {
  return { url: `${new URL(url).origin}/…`, types, ...(active !== undefined && { active }) }
}

/** Where a webhook's messages go, and what signs them. @throws NotFoundError */
export async function openWebhook(
  db: Db,
  sealer: Sealer,
  id: string,
): Promise<{ id: string; url: string; secret: string }> {
  const [row] = await db.select().from(webhooks).where(eq(webhooks.id, id))
  requireFound(row, `webhook ${id}`)
  return { id, url: row.url, secret: sealer.open(row.sealed, sealedFor(id)) }
}

/** The dead messages, oldest first. @throws NotFoundError */
export async function listDead(db: Db, webhookId: string): Promise<DeadDelivery[]> {
  const rows = await db.select({ id: webhooks.id }).from(webhooks).where(eq(webhooks.id, webhookId))
  if (rows.length === 0) throw new NotFoundError(`there is no webhook ${webhookId}`)
  const { id, changeId, body, attempts, error, createdAt } = webhookDeliveries
  return db
    .select({ id, changeId, body, attempts, error, createdAt })
    .from(webhookDeliveries)
    .where(and(eq(webhookDeliveries.webhookId, webhookId), eq(webhookDeliveries.dead, true)))
    .orderBy(asc(webhookDeliveries.changeId))
    .limit(1000)
}

/** Redelivers a dead message, with all its retries. @throws NotFoundError */
export async function reviveDead(db: Db, webhookId: string, id: string): Promise<void> {
  const revived = await db
    .update(webhookDeliveries)
    .set({ dead: false, attempts: 0, nextAt: sql`now()` })
    .where(
      and(eq(webhookDeliveries.id, id), eq(webhookDeliveries.webhookId, webhookId), eq(webhookDeliveries.dead, true)),
    )
    .returning({ id: webhookDeliveries.id })
  if (revived.length === 0) throw new NotFoundError(`webhook ${webhookId} has no dead message ${id}`)
}

/** A message to be sent now. */
export type DueDelivery = { id: string; webhookId: string; url: string; secret: string; body: string; attempts: number }

const atOnce = 500
/** The limit of waiting messages of one webhook: a receiver that is long unreachable must not fill the database. */
const maxWaiting = 10_000

/** Queues the new changes for each webhook. The messages and the webhook's cursor are written in one transaction. */
export async function queueDeliveries(db: Db): Promise<void> {
  for (const { id } of await db.select({ id: webhooks.id }).from(webhooks).where(eq(webhooks.active, true)))
    while (await queueSome(db, id));
}

async function queueSome(db: Db, webhookId: string): Promise<boolean> {
  return db.transaction(async (tx) => {
    const [hook] = await tx
      .select()
      .from(webhooks)
      .where(and(eq(webhooks.id, webhookId), eq(webhooks.active, true)))
      .for('update', { skipLocked: true })
    if (hook === undefined) return false
    const found = await listChangesAfter(tx, { tx: hook.cursorTx, id: hook.cursorId }, atOnce)
    const last = found.at(-1)
    if (last === undefined) return false
    const waiting = await tx.execute(sql`
      select 1 from (select 1 from webhook_deliveries where webhook_id = ${webhookId} and not dead limit ${maxWaiting}) as w
      having count(*) >= ${maxWaiting}`)
    if (rowsOf(waiting).length > 0) return false
    const rows = found
      .filter((change) => isOfTypes(change.type, hook.types))
      .map(({ tx: _, at, type, ...change }) => {
        const data = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== null))
        const body = JSON.stringify({ type, timestamp: at.toISOString(), data })
        return { id: newId(), webhookId, changeId: change.id, body }
      })
    if (rows.length > 0) await tx.insert(webhookDeliveries).values(rows)
    await tx.update(webhooks).set({ cursorTx: last.tx, cursorId: last.id }).where(eq(webhooks.id, webhookId))
    return found.length === atOnce
  })
}

/**
 * Takes due messages, at most `maxPerWebhook` for each webhook, and none of the webhooks in `except`. Other senders ignore them
 * for a minute, so that they are due again if this sender dies.
 */
export async function takeDue(
  db: Db,
  sealer: Sealer,
  { maxPerWebhook, except }: { maxPerWebhook: number; except: string[] },
): Promise<DueDelivery[]> {
  const found = await db.execute(sql`
    with due as materialized (
      select due.id from webhooks cross join lateral (
        select id from webhook_deliveries
        where webhook_id = webhooks.id and not dead and next_at <= now()
        order by next_at limit ${maxPerWebhook} for update skip locked) as due
      where webhooks.active and webhooks.id not in (select jsonb_array_elements_text(${JSON.stringify(except)}::jsonb)::uuid))
    update webhook_deliveries as d set next_at = now() + interval '1 minute' from webhooks as w, due
    where w.id = d.webhook_id and d.id = due.id
    returning d.id, d.webhook_id as "webhookId", w.url, w.sealed, d.body, d.attempts`)
  return rowsOf<Omit<DueDelivery, 'secret'> & { sealed: string }>(found).map(({ sealed, ...due }) => ({
    ...due,
    secret: sealer.open(sealed, sealedFor(due.webhookId)),
  }))
}

export async function deliveryDone(db: Db, id: string): Promise<void> {
  await db.delete(webhookDeliveries).where(eq(webhookDeliveries.id, id))
}

/** Records that a message was not accepted. It is retried after `retryMs`; if that is undefined, it is dead. */
export async function deliveryFailed(db: Db, id: string, error: string, retryMs: number | undefined): Promise<void> {
  await db.execute(sql`
    update webhook_deliveries set attempts = attempts + 1, error = ${error.slice(0, 500)}, dead = ${retryMs === undefined},
      next_at = now() + ${retryMs ?? 0} * interval '1 millisecond'
    where id = ${id}`)
}

/** Deletes messages that have been dead for 30 days. */
export async function pruneDead(db: Db): Promise<void> {
  await db.execute(sql`delete from webhook_deliveries where dead and created_at < now() - interval '30 days'`)
}

function sealedFor(id: string): string {
  return `webhook ${id}`
}
