import { afterAll, beforeAll, expect, test } from 'vitest'
import { changes } from '../../../src/db/schema/changes.ts'
import { secrets } from '../../../src/db/schema/machines.ts'
import { findSealingKeys } from '../../../src/inventory/system/installation.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { openSecrets } from '../../helpers/secrets.ts'

const machine = '/api/v1/machines/52-54-00-12-34-56'

eachDatabase('secrets over HTTP', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())
  const everything = async () =>
    JSON.stringify([await database().select().from(secrets), await database().select().from(changes)])

  test('are set and listed by name, and their values cannot be read', async () => {
    const { body } = await api.ask('PUT', machine, {})
    expect((await api.ask('PUT', `${machine}/secrets/root_password`, { value: 'hunter2' })).status).toBe(204)
    expect((await api.ask('PUT', `${machine}/secrets/root_password`, { value: 'hunter3' })).status).toBe(204)
    const list = await api.ask('GET', `${machine}/secrets`)
    expect(list.body.items).toEqual([{ name: 'root_password', updatedAt: expect.any(String) }])
    expect((await api.ask('GET', `${machine}/secrets/root_password`)).status).toBe(405)
    expect(await everything()).not.toMatch(/hunter/)
    expect(api.logged.join('')).not.toMatch(/hunter/)
    expect(await openSecrets(database(), api.deps.sealer, body.id, [])).toEqual({ root_password: 'hunter3' })
  })

  test('of a machine override those of groups, and a strong group overrides a weak group', async () => {
    const { body } = await api.ask('PUT', machine, {})
    for (const name of ['weak', 'strong']) {
      await api.ask('PUT', `/api/v1/groups/${name}`, { everybody: true, assignment: {} })
      for (const secret of ['a', 'b', 'c'])
        await api.ask('PUT', `/api/v1/groups/${name}/secrets/${secret}`, { value: `${name} ${secret}` })
    }
    await api.ask('DELETE', '/api/v1/groups/strong/secrets/c')
    await api.ask('PUT', `${machine}/secrets/a`, { value: 'own a' })
    expect(await openSecrets(database(), api.deps.sealer, body.id, ['weak', 'strong'])).toEqual({
      a: 'own a',
      b: 'strong b',
      c: 'weak c',
    })
  })

  test('are deleted with their machine or group', async () => {
    await api.ask('PUT', machine, {})
    await api.ask('PUT', '/api/v1/groups/g', { everybody: true, assignment: {} })
    await api.ask('PUT', `${machine}/secrets/a`, { value: 'x' })
    await api.ask('PUT', '/api/v1/groups/g/secrets/a', { value: 'x' })
    await api.ask('DELETE', machine)
    await api.ask('DELETE', '/api/v1/groups/g')
    expect(await database().select().from(secrets)).toEqual([])
  })

  test.each([
    ['PUT', `${machine}/secrets/a`, { value: 'x' }, 404],
    ['PUT', '/api/v1/groups/nothing/secrets/a', { value: 'x' }, 404],
    ['PUT', '/api/v1/groups/nothing/secrets/A-B', { value: 'x' }, 422],
    ['DELETE', '/api/v1/groups/nothing/secrets/a', undefined, 404],
    ['GET', '/api/v1/groups/nothing/secrets', undefined, 404],
  ])('refuse %s %s', async (method, path, body, status) => {
    expect((await api.ask(method, path, body)).status).toBe(status)
  })

  test('are not repeated in the answer when they are refused', async () => {
    await api.ask('PUT', machine, {})
    const reply = await api.ask('PUT', `${machine}/secrets/a`, { value: 'hunter2', and: 'more' })
    expect([reply.status, JSON.stringify(reply.body)]).toEqual([422, expect.not.stringContaining('hunter')])
  })

  test('name the key that seals them without revealing the key', async () => {
    await api.ask('PUT', machine, {})
    await api.ask('PUT', `${machine}/secrets/a`, { value: 'x' })
    expect(await findSealingKeys(database())).toEqual([api.deps.sealer.keyId])
  })
})
