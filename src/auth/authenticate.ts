// The client of a request: by its bearer token, or by the session of its cookie.
import type { Db } from '../db/open.ts'
import { actorOf } from '../inventory/access/people.ts'
import { findSession, revokeSession, type SessionLimits } from '../inventory/access/sessions.ts'
import { findToken } from '../inventory/access/tokens.ts'
import type { Principal } from './principal.ts'

/**
 * The principal of a bearer token; undefined if it is unknown, revoked or expired. Only the header counts, never the URL (RFC 6750,
 * section 2.1).
 * @param authorization the header `Authorization`
 */
export async function findTokenPrincipal(db: Db, authorization: string | undefined): Promise<Principal | undefined> {
  const [, token] = /^Bearer +([A-Za-z0-9\-._~+/]+=*) *$/i.exec(authorization ?? '') ?? []
  const found = token === undefined ? undefined : await findToken(db, token)
  if (found === undefined) return undefined
  const { id, name, role, scope } = found
  return { kind: 'token', id, actor: `token ${name}`, role, scope: scope ?? undefined }
}

/** The principal of a session's secret; undefined if the session has ended. */
export async function findSessionPrincipal(
  { db, sessions }: { db: Db; sessions: SessionLimits },
  secret: string | undefined,
): Promise<Principal | undefined> {
  const found = secret === undefined ? undefined : await findSession(db, secret, sessions)
  if (found === undefined) return undefined
  const { id, role } = found.person
  return { kind: 'person', id, session: found.id, actor: actorOf(found.person), role, scope: undefined }
}

/** Ends the session of a person, who signed out. */
export async function endSession({ db }: { db: Db }, { id, session, actor }: Principal): Promise<void> {
  if (session !== undefined && id !== undefined) await revokeSession(db, session, actor, id)
}
