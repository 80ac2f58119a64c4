/** What a request demands of the thing it changes (RFC 9110, 13.1): entity tags of which one must be its own, or that there is none yet. */
export type Precondition = { ifMatch?: string[] | '*' | undefined; ifNoneMatch?: '*' | undefined }

/** The thing is not as the request demands. */
export class PreconditionError extends Error {
  override name = 'PreconditionError'
}

/** The entity tag of a thing that operators change: another one after each change, also after it was deleted and made anew. */
export function etagOf(thing: { createdAt: Date; revision: number }): string {
  return `"${thing.createdAt.getTime().toString(36)}-${thing.revision}"`
}

/** @throws PreconditionError when the thing is not as demanded; undefined stands for one that does not exist */
export function checkPrecondition(
  { ifMatch, ifNoneMatch }: Precondition,
  thing: { createdAt: Date; revision: number } | undefined,
): void {
  if (ifNoneMatch !== undefined && thing !== undefined) throw new PreconditionError('it exists already')
  if (ifMatch === undefined) return
  if (thing === undefined) throw new PreconditionError('it does not exist')
  if (ifMatch !== '*' && !ifMatch.includes(etagOf(thing)))
    throw new PreconditionError(`it was changed meanwhile: its ETag is now ${etagOf(thing)}`)
}
