import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { FileRef } from '../../../src/model/image.ts'
import { type Api, addFile, openApi } from '../../helpers/api.ts'
import { unwrapped } from '../../helpers/boot-server.ts'
import { eachDatabase } from '../../helpers/database.ts'

eachDatabase('previews over HTTP', (database) => {
  const machine = '/api/v1/machines/52-54-00-00-00-01'
  let api: Api
  let kernel: FileRef
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())

  beforeEach(async () => {
    kernel = await addFile(api, 'vmlinuz', 'a kernel')
    const variant = { arch: 'x86_64', kind: 'linux', kernel, initrds: [], args: [] }
    await put('/api/v1/images/debian', { variants: [variant] })
    await put('/api/v1/answer-files/preseed', { documents: [{ name: 'preseed.cfg', text: 'disk={{ params.disk }}' }] })
    const assignment = { image: 'debian', answerFile: 'preseed', everyBoot: true, params: { disk: 'sda' } }
    await put(machine, { assignment })
  })
  const put = async (path: string, body: object) => expect((await api.ask('PUT', path, body)).status).toBeLessThan(300)
  const get = (what: string) => api.ask('GET', `${machine}/${what}`)

  test('show the script, the decision and the rendered answer file of the same answer', async () => {
    expect((await get('script')).body).toContain('52:54:00:00:00:01 boots debian version 1')
    expect((await get('decision')).body).toMatchObject({ spec: { kind: 'linux' }, answerFile: { name: 'preseed' } })
    expect((await get('answers')).body).toMatchObject({ items: [{ name: 'preseed.cfg', text: 'disk=sda' }] })
  })

  test('refuse a damaged file everywhere, with the same reason and the same next step', async () => {
    await api.deps.store.remove(kernel.sha256)
    const reason = 'file vmlinuz of image debian version 1 is damaged: the file is missing in the store'
    const { spec } = (await get('decision')).body
    expect(spec).toMatchObject({ kind: 'refusal', reason })
    expect(unwrapped((await get('script')).body)).toContain(`echo Bootwright: ${reason}\n`)
    expect((await get('answers')).body).toEqual({ items: [], refusal: `${reason}; ${spec.nextStep}` })
  })

  test('name each value that an answer file lacks', async () => {
    await put(machine, { assignment: { image: 'debian', answerFile: 'preseed', everyBoot: true, params: {} } })
    const { spec } = (await get('decision')).body
    expect(spec).toMatchObject({
      kind: 'refusal',
      code: 'BW-ANSWER-FILE',
      reason: 'answer file preseed: params.disk is not set (document preseed.cfg)',
      nextStep: 'bootwright machine set MAC --param disk=VALUE (or for one of its groups)',
    })
    const { status, body } = await get('answers')
    expect([status, body.errors]).toMatchObject([
      422,
      [{ field: 'document preseed.cfg', value: 'params.disk is not set' }],
    ])
  })
})
