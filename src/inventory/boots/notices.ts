// Notices about boots for operators.

import { sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import { recordChanges, system } from '../changes/changes.ts'

/** Something about a boot that an operator should know, and that is not a stage. */
export type Notice = { bootId: string; ip: string; message: string }

/** The limit for one boot: more notices say nothing new, and strangers can cause them. */
const maxNotices = 20

/** Adds notices to the records of boots, each message once. In the order of the boots' ids, as reports lock them. */
export async function recordNotices(db: Db, list: Notice[]): Promise<void> {
  if (list.length === 0) return
  await db.execute(sql`
    insert into boot_events (boot_id, ip, stage, message)
    select n."bootId", n.ip, 'notice', n.message
    from jsonb_to_recordset(${JSON.stringify(list)}::jsonb) as n("bootId" uuid, ip text, message text)
    join boots on boots.id = n."bootId"
    where (select count(*) from boot_events where boot_id = n."bootId" and stage = 'notice') < ${maxNotices}
      and not exists (select 1 from boot_events where boot_id = n."bootId" and stage = 'notice' and message = n.message)
    order by n."bootId"`)
}

/**
 * Records boots that went past their script while another boot of the same machine continues from another address.
 * Either the machine has a new address, or a stranger uses its MAC. Both boots still count; operators see the notice.
 */
export async function recordOtherAddresses(
  db: Db,
  list: { id: string; machineId: string | null; mac: string | null; ip: string }[],
): Promise<void> {
  const asked = list
    .filter(({ machineId }) => machineId !== null)
    .map(({ id, machineId, ip }) => ({ id, machineId, ip }))
  if (asked.length === 0) return
  const found = await db.execute(sql`
    select asked.id, asked.ip, asked."machineId", other.id as "otherId", other.ip as "otherIp"
    from jsonb_to_recordset(${JSON.stringify(asked)}::jsonb) as asked(id uuid, "machineId" uuid, ip text)
    join lateral (
      select id, ip from boots
      where machine_id = asked."machineId" and ip <> asked.ip and progressed
        and (outcome is null or outcome in ('superseded', 'stalled')) and started_at > now() - interval '48 hours'
      order by seq desc limit 1) as other on true`)
  const contested = rowsOf<{ id: string; ip: string; machineId: string; otherId: string; otherIp: string }>(found)
  await db.transaction(async (tx) => {
    await recordNotices(
      tx,
      contested.flatMap(({ id, ip, otherId, otherIp }) => [
        { bootId: id, ip, message: `boot ${otherId} of the same machine continues at another address, ${otherIp}` },
        {
          bootId: otherId,
          ip,
          message: `boot ${id} of the same machine went past its script from another address, ${ip}`,
        },
      ]),
    )
    await recordChanges(
      tx,
      contested.map(({ id, ip, machineId, otherId, otherIp }) => ({
        actor: system,
        type: 'boot.other-address',
        subject: id,
        after: { machineId, ip, other: { boot: otherId, ip: otherIp } },
      })),
    )
  })
}
