// How many machines boot something else after a change: before it is made, and in the sentence after it.
import type { Concerns } from '../../api/schemas/machines/concerns.ts'
import { type ApiClient, type Method, withQuery } from '../http/client.ts'
import { count } from '../http/format.ts'
import { findPreview } from './named.ts'

/** An answer of the API to a change that counts machines. */
export type Counted<Body = unknown> = Body & { concerns?: Concerns }

/** The path of a change that counts the machines which it concerns. */
export function countedPath(path: string): string {
  return withQuery(path, { count: 'true' })
}

/** The machines that a change would concern, or why the API refuses the change. */
export async function findConcerns(api: ApiClient, method: Method, path: string, body?: unknown) {
  const { preview, fault } = await findPreview(async () => {
    return (await api.ask<Counted>(method, withQuery(path, { dryRun: 'true' }), body)).concerns
  })
  return { concerns: preview, concernsFault: fault }
}

/** The sentence after a change: `12 machines boot something else from their next network boot on.` */
export function concernsSentence(concerns: Concerns | undefined): string {
  if (concerns === undefined) return ''
  const { machines, more } = concerns
  if (machines === 0 && !more) return 'No machine boots anything else.'
  const number = `${more ? 'At least ' : ''}${count(machines, 'machine')}`
  return `${number} ${machines === 1 ? 'boots' : 'boot'} something else from the next network boot on.`
}
