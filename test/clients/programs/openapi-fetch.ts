// Types by openapi-typescript, requests by openapi-fetch.
import createClient from 'openapi-fetch'
import type { paths } from './openapi-fetch-client.ts'

export async function run(baseUrl: string) {
  const client = createClient<paths>({ baseUrl })
  const params = { path: { id: '52-54-00-12-34-56' } }
  const uuid = '4c4c4544-0042-3510-8054-b7c04f4e3333'
  const change = { hostname: 'a', uuid, assignment: { local: true, args: ['quiet'] } }
  const put = await client.PUT('/api/v1/machines/{id}', { params, body: change })
  const patch = await client.PATCH('/api/v1/machines/{id}', { params, body: { assignment: null, uuid: null } })
  const rows = [{ mac: '52-54-00-12-34-57', hostname: 'a2' }, { hostname: 'without-a-key' }]
  const bulk = await client.POST('/api/v1/machines/bulk', { body: rows })
  const gc = await client.POST('/api/v1/files/gc', { body: { dryRun: true, olderThanHours: 24 } })
  const verify = await client.POST('/api/v1/files/verify', { body: {} })
  // @ts-expect-error there are no such changes
  await client.POST('/api/v1/webhooks', { body: { url: 'http://127.0.0.1:1/', types: ['bogus'] } })
  return {
    made: put.data?.assignment,
    cleared: patch.data?.assignment,
    bulk: bulk.data,
    gc: gc.data,
    verify: verify.data,
  }
}
