// /setup/people: the people who sign in, and a form that adds one.
import type { Person, PersonLink } from '../../api/schemas/access/person.ts'
import { type RefusedError, withQuery } from '../http/client.ts'
import { shellQuote } from '../http/commands.ts'
import type { Listed } from '../http/listed.ts'
import type { Page, PageHandler, Visit } from '../http/visit.ts'
import { submit } from '../http/visit.ts'

type Entered = { name?: string | undefined; role?: string | undefined }

export const people: PageHandler = async (visit) => peoplePage(visit)

async function peoplePage({ api, query }: Visit, entered: Entered = {}, refusal?: RefusedError): Promise<Page> {
  const path = withQuery('/people', { limit: '50', after: query.get('after') })
  const { items, next } = await api.ask<Listed<Person>>('GET', path)
  const { name = 'anna', role = 'operator' } = entered
  return {
    view: 'access/people',
    title: 'People',
    data: { items, entered, refusal, next: next && withQuery('/setup/people', { after: next }), tab: 'people' },
    commands: [
      { title: 'List people', path, cli: 'person list' },
      {
        ...{ title: 'Add a person', method: 'POST', path: '/people', body: { name, role } },
        cli: `person add ${shellQuote(name)} --role ${role}`,
      },
    ],
  }
}

export const addPerson: PageHandler = async (visit) => {
  const entered = { name: visit.form.get('name'), role: visit.form.get('role') }
  return submit(
    async () => linkPage(await visit.api.ask<PersonLink>('POST', '/people', entered)),
    (refusal) => peoplePage(visit, entered, refusal),
  )
}

/** The one-time link. No other page can show it again. */
export function linkPage({ person, link }: PersonLink): Page {
  return {
    view: 'access/link',
    title: `Link for ${person.name}`,
    data: { person, link, tab: 'people' },
    commands: [
      {
        ...{ title: 'Make a new link', method: 'POST', path: `/people/${person.id}/reset` },
        cli: `person reset ${shellQuote(person.name)}`,
      },
    ],
  }
}
