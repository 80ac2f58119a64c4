// A function for each operation, by oazapfts.
import * as api from './oazapfts-client.ts'

export async function run(baseUrl: string) {
  const options = { baseUrl }
  const uuid = '4c4c4544-0042-3510-8054-b7c04f4e4443'
  const change = { hostname: 'b', uuid, assignment: { local: true, args: ['quiet'] } }
  const put = await api.putMachine('52-54-00-22-34-56', change, {}, options)
  const patch = await api.patchMachine('52-54-00-22-34-56', { assignment: null, uuid: null }, {}, options)
  const rows = [{ mac: '52-54-00-22-34-57', hostname: 'b2' }, { hostname: 'without-a-key' }]
  const bulk = await api.upsertMachines(rows, {}, options)
  const gc = await api.clearFiles({ dryRun: true }, {}, options)
  const verify = await api.verifyFiles({}, options)
  if (put.status !== 201 || patch.status !== 200 || bulk.status !== 200 || gc.status !== 200 || verify.status !== 200)
    throw new Error(JSON.stringify([put, patch, bulk, gc, verify]))
  return {
    made: (put.data as api.Machine).assignment,
    cleared: (patch.data as api.Machine).assignment,
    bulk: bulk.data,
    gc: gc.data,
    verify: verify.data,
  }
}
