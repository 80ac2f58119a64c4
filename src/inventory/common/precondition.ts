// Entity tags and the preconditions of requests.

/** A request's condition on the thing that it changes (RFC 9110, 13.1): its entity tag is one of these, or it must not exist yet. */
export type Precondition = { ifMatch?: string[] | '*' | undefined; ifNoneMatch?: '*' | undefined }

/** The thing does not meet the request's precondition. */
export class PreconditionError extends Error {
  override name = 'PreconditionError'
}

/** The entity tag of a thing. It differs after each change, also after the thing was deleted and created again. */
export function etagOf(thing: { createdAt: Date; revision: number }): string {
  return `"${thing.createdAt.getTime().toString(36)}-${thing.revision}"`
}

/** Whether a request depends on the state of the thing. */
export function isConditional({ ifMatch }: Precondition): boolean {
  return ifMatch !== undefined && ifMatch !== '*'
}

/**
 * @param why the last change, with its person
 * @throws PreconditionError if the thing does not meet the precondition; undefined means that it does not exist
 */
export function checkPrecondition(
  { ifMatch, ifNoneMatch }: Precondition,
  thing: { createdAt: Date; revision: number } | undefined,
  why?: string,
): void {
  if (ifNoneMatch !== undefined && thing !== undefined) throw new PreconditionError('the resource already exists')
  if (ifMatch === undefined) return
  if (thing === undefined) throw new PreconditionError('the resource does not exist')
  if (ifMatch !== '*' && !ifMatch.includes(etagOf(thing)))
    throw new PreconditionError(
      `the resource was changed by another request: its ETag is now ${etagOf(thing)}${why === undefined ? '' : `; ${why}`}`,
    )
}
