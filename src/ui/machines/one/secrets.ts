// The secrets of a machine: set and deleted, never shown.
import { pathOf } from '../../http/client.ts'
import { type PageHandler, submit } from '../../http/visit.ts'
import { machinePage, requireMachine } from './machine.ts'

export const setSecret: PageHandler = async (visit) => {
  const { api, form } = visit
  const machine = await requireMachine(visit)
  const secret = form.get('secret') ?? ''
  return submit(
    async () => {
      // A secret may begin or end with spaces, so it is not trimmed.
      await api.ask('PUT', pathOf('machines', machine.id, 'secrets', secret), { value: form.values.value ?? '' })
      const notice = `Secret ${secret} is set. The next boot of the machine uses it.`
      return { redirect: `/machines/${machine.id}`, notice }
    },
    (secretRefusal) => machinePage(visit, machine, { secretRefusal }),
  )
}

export const removeSecret: PageHandler = async ({ api, params }) => {
  const { id = '', secret = '' } = params
  await api.ask('DELETE', pathOf('machines', id, 'secrets', secret))
  return { redirect: `${pathOf('machines', id)}#secrets`, notice: `Secret ${secret} is deleted.` }
}
