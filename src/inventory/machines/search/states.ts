// The states by which machines are searched, in SQL.

import { sql } from 'drizzle-orm'
import { machines } from '../../../db/schema/machines.ts'
import type { MachineState } from '../../../model/machine.ts'
import { hasTrait, type Split } from './selector.ts'

/** Whether a machine has a state. */
export function hasState(state: MachineState): Split {
  const named = sql.raw(`'${state}'`)
  switch (state) {
    case 'booting':
      return { narrow: sql`machine_id in (select b.machine_id from boots as b where b.outcome is null)` }
    case 'stalled':
    case 'failed':
      return {
        narrow: sql`machine_id in (select b.machine_id from boots as b where b.outcome = ${named}
          and not exists (select 1 from boots as newer where newer.machine_id = b.machine_id and newer.seq > b.seq))`,
      }
    case 'armed':
    case 'started':
    case 'installing':
      return { narrow: sql`machine_id in (select d.machine_id from deployments as d where d.state = ${named})` }
    case 'denied':
    case 'discovered':
      return { narrow: hasTrait(`${state}=true`) }
    case 'expected':
      return { wide: sql`${machines.expectedBy} is not null and ${machines.lastSeenAt} is null` }
    case 'never-seen':
      return { wide: sql`${machines.lastSeenAt} is null` }
  }
}
