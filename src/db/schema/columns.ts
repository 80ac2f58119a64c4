// Columns that many tables have.

import { bigserial, integer, timestamp } from 'drizzle-orm/pg-core'

export const moment = (name: string) => timestamp(name, { withTimezone: true, precision: 3 })
/** Of everything that operators change: when, and which revision it is, for ETag and If-Match. */
export const history = () => ({
  revision: integer('revision').notNull().default(1),
  createdAt: moment('created_at').notNull().defaultNow(),
  updatedAt: moment('updated_at').notNull().defaultNow(),
})
/** The order in which rows were made. Ids do not tell it: they come from the clocks of processes, which differ and are set back. */
export const order = () => ({ seq: bigserial('seq', { mode: 'number' }).notNull() })
