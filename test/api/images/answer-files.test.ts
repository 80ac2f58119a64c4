import { afterAll, beforeAll, expect, test } from 'vitest'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { type Api, addFile, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'

const path = '/api/v1/answer-files/preseed'
const mac = '52-54-00-12-34-56'
const document = (text: string, name = 'preseed.cfg') => ({ name, text })

eachDatabase('answer files over HTTP', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())
  const put = (text: string) => api.ask('PUT', path, { documents: [document(text)] })

  test('get a new version for each changed text, and an older version can become current again', async () => {
    expect((await put('one')).status).toBe(201)
    expect((await put('one')).body).toMatchObject({ version: 1, revision: 1 })
    expect((await put('two')).body).toMatchObject({ version: 2, revision: 2 })
    const back = await api.ask('PATCH', path, { version: 1 })
    expect(back.body).toMatchObject({
      version: 1,
      documents: [{ text: 'one', mediaType: 'text/plain; charset=utf-8' }],
    })
    expect((await put('three')).body.version).toBe(3)
    const { items } = (await api.ask('GET', `${path}/versions`)).body
    expect(items.map((item: { version: number; current: boolean }) => [item.version, item.current])).toEqual([
      [3, true],
      [2, false],
      [1, false],
    ])
    expect((await api.ask('PATCH', path, { version: 9 })).status).toBe(422)
  })

  test.each<[string, string, RegExp]>([
    ['a tag that is not closed', 'a {{ machine.mac', /not closed/],
    ['a tag that is unknown', '{% launch %}', /tag "launch" not found/],
    ['a filter that is unknown', '{{ machine.mac | launch }}', /undefined filter: launch/],
    ['a name that no boot has', '{{ node.mac }}', /there is no node\.mac: the names begin with machine, params/],
    ['a field that no machine has', '{{ machine.macc }}', /there is no machine\.macc: machine has id, name/],
  ])('refuse %s when they are saved', async (_, text, message) => {
    const reply = await put(text)
    expect([reply.status, reply.body.errors[0].field]).toEqual([422, 'documents[0].text'])
    expect(reply.body.errors[0].expected).toMatch(message)
  })

  test('drop the byte order mark of a text', async () => {
    expect((await put('\ufeff#cloud-config\n')).body.documents[0].text).toBe('#cloud-config\n')
  })

  test.each<[string, string, RegExp]>([
    ['UTF-16', 'o\0n\0e\0', /the NUL character in line 1: it looks like UTF-16/],
    ['ISO-8859-1', 'one\ntwo\ngr\ufffd\ufffde\n', /the unreadable character in line 3: it looks like ISO-8859-1/],
  ])('refuse a text in %s that was read as UTF-8, and name the line', async (_, text, message) => {
    const reply = await put(text)
    expect([reply.status, reply.body.errors[0].field]).toEqual([422, 'documents[0].text'])
    expect(reply.body.errors[0].expected).toMatch(message)
  })

  test('name all unknown names at once', async () => {
    const reply = await put(
      '{{ a }} {{ b.c }} {{ boot.urls }} {{ params.any }} {{ secrets.any }} {{ machine.labels.any }}',
    )
    expect(reply.body.errors.length).toBe(3)
  })

  test('are not deleted while something refers to them', async () => {
    await put('x')
    await api.ask('PUT', '/api/v1/groups/g', { everybody: true, assignment: { answerFile: 'preseed' } })
    expect((await api.ask('DELETE', path)).body.detail).toBe('answer file preseed is used by group g')
    await api.ask('DELETE', '/api/v1/groups/g')
    expect((await api.ask('DELETE', path)).status).toBe(204)
  })

  test('are previewed with asterisks for secrets, or with the names of all missing values', async () => {
    const kernel = await addFile(api, 'linux', 'kernel')
    await saveImage(
      database(),
      'debian',
      {
        variants: [{ kind: 'linux', arch: 'x86_64', kernel, initrds: [], args: ['url={{ boot.answer_url }}'] }],
      },
      {},
      'tester',
    )
    await put('{{ machine.hostname }} {{ secrets.password }} {{ params.disk }} {{ params.dns | default: "none" }}')
    const assignment = { image: 'debian', everyBoot: true, answerFile: 'preseed' }
    await api.ask('PUT', `/api/v1/machines/${mac}`, { assignment })
    const missing = await api.ask('GET', `/api/v1/machines/${mac}/answers`)
    expect([missing.status, missing.body.errors.map((item: { value: string }) => item.value)]).toEqual([
      422,
      ['machine.hostname is not set', 'secrets.password is not set', 'params.disk is not set'],
    ])
    await api.ask('PUT', `/api/v1/machines/${mac}/secrets/password`, { value: 'hunter2' })
    await api.ask('PATCH', `/api/v1/machines/${mac}`, {
      hostname: 'web1',
      assignment: { ...assignment, params: { disk: 'sda' } },
    })
    const { body } = await api.ask('GET', `/api/v1/machines/${mac}/answers`)
    expect(body.items).toEqual([
      { name: 'preseed.cfg', mediaType: 'text/plain; charset=utf-8', text: 'web1 ******** sda none' },
    ])
  })

  test('stop at a limit of time or memory when they are rendered', async () => {
    const kernel = await addFile(api, 'linux', 'kernel')
    await saveImage(
      database(),
      'debian',
      {
        variants: [{ kind: 'linux', arch: 'x86_64', kernel, initrds: [], args: [] }],
      },
      {},
      'tester',
    )
    await api.ask('PUT', `/api/v1/machines/${mac}`, {})
    for (const text of [
      '{% for i in (1..1000000000) %}x{% endfor %}',
      '{% for i in (1..100000) %}{{ "xxxxxxxxxxxxxxxxxxxxxxxx" | append: i }}{% for j in (1..10000) %}{{ j }}{% endfor %}{% endfor %}',
    ]) {
      await put(text)
      await api.ask('PATCH', `/api/v1/machines/${mac}`, {
        assignment: { image: 'debian', everyBoot: true, answerFile: 'preseed' },
      })
      const reply = await api.ask('GET', `/api/v1/machines/${mac}/answers`)
      expect([reply.status, reply.body.errors?.[0].value]).toEqual([422, expect.stringMatching(/limit/)])
    }
  })
})
