// /setup/people/ID: one person, with role, sessions, reset and delete.
import type { Person, PersonLink, SessionList } from '../../api/schemas/access/person.ts'
import { pathOf, type RefusedError, withQuery } from '../http/client.ts'
import { shellQuote } from '../http/commands.ts'
import type { Page, PageHandler, Visit } from '../http/visit.ts'
import { submit } from '../http/visit.ts'
import { linkPage } from './people.ts'

export const person: PageHandler = async (visit) => personPage(visit)

async function personPage({ api, principal, params }: Visit, refusal?: RefusedError): Promise<Page> {
  const found = await api.ask<Person>('GET', pathOf('people', keyOf(params)))
  const path = pathOf('people', found.id)
  const { items: sessions } = await api.ask<SessionList>('GET', withQuery('/sessions', { person: found.id }))
  const { name, role } = found
  const word = shellQuote(name)
  return {
    view: 'access/person',
    title: name,
    data: { found, sessions, isSelf: principal.id === found.id, refusal, tab: 'people' },
    commands: [
      { title: 'Get this person', path },
      { title: 'Change the role', method: 'PATCH', path, body: { role }, cli: `person set ${word} --role ${role}` },
      {
        title: 'List the sessions',
        path: withQuery('/sessions', { person: found.id }),
        cli: `person sessions ${word}`,
      },
      { title: 'Make a link for a new password', method: 'POST', path: `${path}/reset`, cli: `person reset ${word}` },
      { title: 'Delete this person', method: 'DELETE', path, cli: `person delete ${word}` },
    ],
  }
}

export const changePerson: PageHandler = async (visit) =>
  change(visit, async (path) => {
    const [role, disabled] = [visit.form.get('role'), visit.form.get('disabled')]
    const body = {
      ...(role !== undefined && { role }),
      ...(disabled !== undefined && { disabled: disabled === 'yes' }),
    }
    const { id, name } = await visit.api.ask<Person>('PATCH', path, body)
    return { redirect: pageOf(id), notice: `${name} is changed. All sessions of ${name} ended.` }
  })

export const resetPerson: PageHandler = async (visit) =>
  change(visit, async (path) => linkPage(await visit.api.ask<PersonLink>('POST', `${path}/reset`)))

export const deletePerson: PageHandler = async (visit) =>
  change(visit, async (path) => {
    await visit.api.ask('DELETE', path)
    return { redirect: '/setup/people', notice: 'The person is deleted.' }
  })

export const revokeAll: PageHandler = async (visit) =>
  change(visit, async (path) => {
    await visit.api.ask('DELETE', `${path}/sessions`)
    return { redirect: pageOf(keyOf(visit.params)), notice: 'All sessions are revoked.' }
  })

export const revokeSession: PageHandler = async (visit) =>
  change(visit, async () => {
    await visit.api.ask('DELETE', pathOf('sessions', visit.params.id ?? ''))
    return { redirect: pageOf(keyOf(visit.params)), notice: 'The session is revoked.' }
  })

function change(visit: Visit, run: (path: string) => Promise<Page | { redirect: string; notice: string }>) {
  return submit(
    () => run(pathOf('people', keyOf(visit.params))),
    (refusal) => personPage(visit, refusal),
  )
}

function keyOf(params: Visit['params']): string {
  return params.person ?? ''
}

function pageOf(key: string): string {
  return pathOf('setup', 'people', key)
}
