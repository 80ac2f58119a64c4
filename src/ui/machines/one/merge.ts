// /machines/:id/merge: merges another machine into this one, after a page that says what happens.
import type { Machine } from '../../../api/schemas/machines/machine.ts'
import { pathOf } from '../../http/client.ts'
import type { PageHandler } from '../../http/visit.ts'
import { handleOf, nameOf } from '../state.ts'

export const merge: PageHandler = async ({ api, params, form }) => {
  const path = pathOf('machines', params.id ?? '')
  const [machine, other] = await Promise.all([
    api.ask<Machine>('GET', path),
    api.ask<Machine>('GET', pathOf('machines', form.get('from') ?? '')),
  ])
  const body = { from: other.id }
  if (form.get('confirmed') === 'yes') {
    await api.ask('POST', `${path}/merge`, body)
    return { redirect: `/machines/${machine.id}`, notice: `Merged ${nameOf(other)} into this machine.` }
  }
  const [into, from] = [machine, other].map(handleOf)
  return {
    view: 'machines/merge',
    title: 'Merge machines',
    data: { machine, other, name: nameOf(machine), otherName: nameOf(other) },
    commands: [
      { title: 'Merge', method: 'POST', path: `${path}/merge`, body, cli: `machine merge ${into} --from ${from}` },
    ],
  }
}
