// What others changed while a form was open.
import type { Change } from '../../api/schemas/changes/change.ts'
import { type Difference, differencesOf } from '../changes/differences.ts'
import { type RefusedError, withQuery } from '../http/client.ts'
import type { Listed } from '../http/listed.ts'
import type { Visit } from '../http/visit.ts'

/** A change by somebody else. */
export type Meanwhile = { actor: string; at: string; type: string; differences: Difference[] }

/** After a refusal with 412: the changes of the subject since the form was opened, the newest first. */
export async function changedSince(
  { api, may, form }: Visit,
  noun: string,
  subject: string,
  { status }: RefusedError,
): Promise<Meanwhile[]> {
  const openedWith = form.get('openedWith')
  if (status !== 412 || openedWith === undefined || !may('changes.read')) return []
  const path = withQuery('/changes', { subject, type: noun, since: openedWith, limit: '20' })
  const { items } = await api.ask<Listed<Change>>('GET', path)
  return items.filter(({ at }) => at > openedWith).map((change) => ({ ...change, differences: differencesOf(change) }))
}
