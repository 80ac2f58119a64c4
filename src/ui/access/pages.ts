// The pages about who has access: people, tokens, and one's own account.
import type { Route } from '../http/route.ts'
import { changePassword, me, revokeOwn } from './me.ts'
import { addPerson, people } from './people.ts'
import { changePerson, deletePerson, person, resetPerson, revokeAll, revokeSession } from './person.ts'
import { createToken, revokeToken, tokens } from './tokens.ts'

export const accessPages: Route[] = [
  ['get', '/me', me, 'own.edit'],
  ['post', '/me/password', changePassword, 'own.edit'],
  ['post', '/me/sessions/:id/revoke', revokeOwn, 'own.edit'],
  ['get', '/setup/people', people, 'access.edit'],
  ['post', '/setup/people', addPerson, 'access.edit'],
  ['get', '/setup/people/:person', person, 'access.edit'],
  ['post', '/setup/people/:person', changePerson, 'access.edit'],
  ['post', '/setup/people/:person/reset', resetPerson, 'access.edit'],
  ['post', '/setup/people/:person/delete', deletePerson, 'access.edit'],
  ['post', '/setup/people/:person/sessions/revoke', revokeAll, 'access.edit'],
  ['post', '/setup/people/:person/sessions/:id/revoke', revokeSession, 'access.edit'],
  ['get', '/setup/tokens', tokens, 'access.edit'],
  ['post', '/setup/tokens', createToken, 'access.edit'],
  ['post', '/setup/tokens/:id/revoke', revokeToken, 'access.edit'],
]
