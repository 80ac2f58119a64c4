import { pino } from 'pino'
import { onTestFinished } from 'vitest'
import type { Db } from '../../src/db/open.ts'
import { openRoster, type Roster, type RosterOptions } from '../../src/inventory/roster/roster.ts'

/** Opens a roster over a database. It is closed when the test ends. */
export function testRoster(db: Db, options: Partial<RosterOptions> = {}): Roster {
  const roster = openRoster({ db, log: pino({ level: 'silent' }), waitMs: 5000, ...options })
  onTestFinished(roster.close)
  return roster
}

/** Waits until a roster has all machines in memory, or all that its limit allows. */
export async function loaded(roster: Roster): Promise<Roster> {
  for (let n = 0; n < 500 && !roster.size().isReady; n++) await new Promise((resolve) => setTimeout(resolve, 20))
  if (!roster.size().isReady) throw new Error('the roster was not loaded within 10 s')
  return roster
}
