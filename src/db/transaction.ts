// The type of a transaction.

import type { Db } from './open.ts'

declare const inTransaction: unique symbol

/**
 * The database inside a transaction, from `db.transaction`. Functions that must run in one take a `Tx`, and a `Db` does not compile
 * there. The embedded database has one connection: a statement outside an open transaction would wait for that transaction forever.
 */
export type Tx = Db & { readonly [inTransaction]: true }
