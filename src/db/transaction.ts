import type { Db } from './open.ts'

declare const inTransaction: unique symbol

/**
 * The database inside a transaction, as `db.transaction` gives it. What must not stand alone takes a `Tx`, and no `Db` passes for
 * one: the embedded database has one connection, and a statement sent past an open transaction would wait for it for ever.
 */
export type Tx = Db & { readonly [inTransaction]: true }
