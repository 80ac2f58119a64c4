// The secrets of a group: set and deleted, never shown.
import { pathOf, RefusedError } from '../../http/client.ts'
import type { PageHandler } from '../../http/visit.ts'
import { showGroup } from './edit.ts'

export const set: PageHandler = async (visit) => {
  const { api, form, params } = visit
  const { name = '' } = params
  const secret = form.get('secret') ?? ''
  try {
    // A secret may begin or end with spaces, so it is not trimmed.
    await api.ask('PUT', pathOf('groups', name, 'secrets', secret), { value: form.values.value ?? '' })
    return { redirect: `${pathOf('groups', name)}#secrets`, notice: `Secret ${secret} is set.` }
  } catch (error) {
    if (!(error instanceof RefusedError) || ![404, 422].includes(error.status)) throw error
    return { ...(await showGroup(visit, { secretRefusal: error })), status: 422 }
  }
}

export const remove: PageHandler = async ({ api, params }) => {
  const { name = '', secret = '' } = params
  await api.ask('DELETE', pathOf('groups', name, 'secrets', secret))
  return { redirect: `${pathOf('groups', name)}#secrets`, notice: `Secret ${secret} is deleted.` }
}
