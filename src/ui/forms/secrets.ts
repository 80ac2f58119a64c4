// The secrets of a machine or of a group: set and deleted, never shown.
import { pathOf, type RefusedError } from '../http/client.ts'
import { type Page, type Redirect, submit, type Visit } from '../http/visit.ts'

/**
 * Sets the secret of the form.
 * @param owner the path of its machine or group, in the API and on the page alike
 * @param back where the person sees the effect
 */
export function setSecret(
  { api, form }: Visit,
  { owner, back }: { owner: string; back: string },
  again: (secretRefusal: RefusedError) => Promise<Page>,
): Promise<Page | Redirect> {
  const secret = form.get('secret') ?? ''
  return submit(async () => {
    // A secret may begin or end with spaces, so it is not trimmed.
    await api.ask('PUT', `${owner}${pathOf('secrets', secret)}`, { value: form.values.value ?? '' })
    return { redirect: back, notice: `Secret ${secret} is set. It applies from the next boot on.` }
  }, again)
}

/** Deletes the secret of the path. */
export async function deleteSecret({ api, params }: Visit, owner: string): Promise<Redirect> {
  const { secret = '' } = params
  await api.ask('DELETE', `${owner}${pathOf('secrets', secret)}`)
  return { redirect: `${owner}#secrets`, notice: `Secret ${secret} is deleted.` }
}
