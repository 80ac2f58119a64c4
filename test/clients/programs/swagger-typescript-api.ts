// A class with a method for each operation, by swagger-typescript-api.
import { Api } from './swagger-typescript-api-client.ts'

export async function run(baseUrl: string) {
  const { api } = new Api({ baseUrl })
  const uuid = '4c4c4544-0042-3510-8054-b7c04f4e5553'
  const change = { hostname: 'c', uuid, assignment: { local: true, args: ['quiet'] } }
  const put = await api.putMachine('52-54-00-32-34-56', change)
  const patch = await api.patchMachine('52-54-00-32-34-56', { assignment: null, uuid: null })
  const bulk = await api.upsertMachines([{ mac: '52-54-00-32-34-57', hostname: 'c2' }, { hostname: 'without-a-key' }])
  const gc = await api.clearFiles({ dryRun: true })
  const verify = await api.verifyFiles({})
  return {
    made: put.data.assignment,
    cleared: patch.data.assignment,
    bulk: bulk.data,
    gc: gc.data,
    verify: verify.data,
  }
}
