// The client of a request: a token, a person, or the operator on the server's own shell.
import type { Actor } from '../inventory/changes/changes.ts'
import type { Role } from '../model/access/role.ts'
import type { Scope } from '../model/access/scope.ts'

/** The client of a request, with its rights. */
export type Principal = {
  kind: 'operator' | 'token' | 'person'
  /** The id of the token or the person; undefined for the operator on the admin socket. */
  id: string | undefined
  /** The id of the session of a person. */
  session?: string
  /** The name in the audit log: `operator`, `token NAME` or `person NAME`. */
  actor: Actor
  role: Role
  scope: Scope | undefined
}

/** The client of the admin socket: file permissions authenticate it. */
export const operator: Principal = {
  kind: 'operator',
  id: undefined,
  actor: 'operator',
  role: 'admin',
  scope: undefined,
}
