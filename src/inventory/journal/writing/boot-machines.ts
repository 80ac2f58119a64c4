// The machines of boots, which decide the order of records. Called by writer.ts.
import { sql } from 'drizzle-orm'
import { LRUCache } from 'lru-cache'
import type { Db } from '../../../db/open.ts'
import { rowsOf } from '../../../db/rows.ts'
import type { PlacedRecord } from '../records.ts'

/** Limit of boots in memory; the ones looked up longest ago are dropped. */
const maxBoots = 20_000

/** Remembers the machines of boots, and looks up those that it does not know. */
export function createBootMachines(db: Db) {
  // A boot without a machine has an empty text.
  const machines = new LRUCache<string, string>({ max: maxBoots })
  return {
    /** Looks up the boots of these records. The result finds the machine of a boot that is in the database. */
    find: async (list: PlacedRecord[]): Promise<(bootId: string) => string | undefined> => {
      for (const { keys } of list)
        if (keys.record === 'boot' && keys.boot !== undefined) machines.set(keys.boot, keys.machine ?? '')
      const isMixed = list.some(({ keys }) => keys.record === 'boot')
      const unknown = isMixed
        ? [...new Set(list.flatMap(({ keys }) => keys.boot ?? []))].filter((id) => !machines.has(id))
        : []
      if (unknown.length > 0) {
        const found = await db.execute(sql`
          select id, machine_id as "machineId" from boots
          where id in (select jsonb_array_elements_text(${JSON.stringify(unknown)}::jsonb)::uuid)`)
        for (const { id, machineId } of rowsOf<{ id: string; machineId: string | null }>(found))
          machines.set(id, machineId ?? '')
      }
      return (bootId) => machines.get(bootId) || undefined
    },
  }
}
