import { afterAll, beforeAll, expect, test } from 'vitest'
import { closest } from '../../src/lib/schema-faults.ts'
import { upload } from '../api/machines/bulk-rows.ts'
import { type Api, openApi } from '../helpers/api.ts'
import { eachDatabase } from '../helpers/database.ts'

test.each<[string, string | undefined]>([
  ['timeout', 'timeoutSeconds'],
  ['host_name', 'hostname'],
  ['hosntame', 'hostname'],
  ['ENTRIES', 'entries'],
  ['prio', 'priority'],
  ['lable', 'labels'],
  ['x', undefined],
  ['colour', undefined],
  ['constructor', undefined],
])('the closest name to %s is %s', (name, meant) => {
  const names = ['timeoutSeconds', 'hostname', 'entries', 'priority', 'labels', 'assignment']
  expect(closest(name, names)).toBe(meant)
})

test('the closest name to a name of 1 MiB is found at once: no name', () => {
  expect(closest('y'.repeat(2 ** 20), ['hostname', 'labels'])).toBeUndefined()
})

eachDatabase('a schema', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())

  test.each<[string, string, object | undefined, string]>([
    [
      'PUT',
      '/menus/m',
      { title: 'M', entries: [], timeout: 5 },
      'unknown field "timeout"; did you mean timeoutSeconds?',
    ],
    ['PUT', '/menus/m', { title: 'M' }, 'entries is required'],
    ['PUT', '/images/i', { titel: 'x' }, 'variants is required'],
    [
      'PUT',
      '/groups/g',
      { everybody: true, assignment: { imgae: 'x' } },
      'assignment: unknown field "imgae"; did you mean image?',
    ],
    ['PATCH', '/groups/g', { priorities: 1 }, 'unknown field "priorities"; did you mean priority?'],
    ['PUT', '/machines/52-54-00-12-34-56', { host: 'a' }, 'unknown field "host"; did you mean hostname?'],
    ['PUT', '/policy', {}, 'kind is required: local, wait, menu or image'],
    ['POST', '/webhooks', { url: 'https://a.example', type: [] }, 'unknown field "type"; did you mean types?'],
    ['GET', '/machines?lable=a', undefined, 'unknown field "lable"; did you mean label?'],
  ])('refuses %s %s %j with "%s"', async (method, path, body, text) => {
    const reply = await api.ask(method, `/api/v1${path}`, body)
    expect(reply.status).toBe(422)
    expect(reply.body.detail).toContain(text)
    expect(reply.body.detail).not.toMatch(/nothing|no field/)
  })

  test('refuses a row of a bulk upload in the same words', async () => {
    const { bad } = await upload(api, [{ mac: '52:54:00:12:34:56', host_name: 'a', labels: { rack: 5 } }])
    expect(bad[0]?.errors.map(({ message, field }) => message ?? field)).toEqual(
      expect.arrayContaining(['unknown field "host_name"; did you mean hostname?', 'labels.rack']),
    )
  })
})
