// /me: one's own password and sessions.
import type { Me, SessionList } from '../../api/schemas/access/person.ts'
import { pathOf, RefusedError } from '../http/client.ts'
import type { Page, PageHandler, Visit } from '../http/visit.ts'

export const me: PageHandler = async (visit) => mePage(visit)

async function mePage({ api }: Visit, refusal?: RefusedError): Promise<Page> {
  const [own, { items: sessions }] = await Promise.all([
    api.ask<Me>('GET', '/me'),
    api.ask<SessionList>('GET', '/me/sessions'),
  ])
  const hasPassword = sessions.find(({ current }) => current)?.method !== 'oidc'
  return {
    view: 'access/me',
    title: 'Your account',
    data: { own, sessions, hasPassword, refusal },
    commands: [
      { title: 'Get your rights', path: '/me' },
      { title: 'List your sessions', path: '/me/sessions' },
    ],
  }
}

export const changePassword: PageHandler = async (visit) => {
  const { api, form } = visit
  // Passwords keep the spaces at their ends.
  const { current = '', new: password = '', again = '' } = form.values
  try {
    if (password !== again) throw new RefusedError('the two new passwords differ', 422, undefined, [])
    await api.ask('PUT', '/me/password', { current, new: password })
  } catch (error) {
    // 403: the current password is wrong. 429: too many attempts.
    if (!(error instanceof RefusedError) || ![403, 409, 422, 429].includes(error.status)) throw error
    return { ...(await mePage(visit, error)), status: 422 }
  }
  return { redirect: '/me', notice: 'Your password is changed. Your other sessions ended.' }
}

export const revokeOwn: PageHandler = async ({ api, params: { id = '' } }) => {
  await api.ask('DELETE', `/me/sessions${pathOf(id)}`)
  return { redirect: '/me', notice: 'The session is revoked.' }
}
