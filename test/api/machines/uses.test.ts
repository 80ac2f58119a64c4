import { afterAll, beforeAll, expect, test } from 'vitest'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'

eachDatabase('the uses of a menu and an answer file', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())

  test('are machines, groups, entries of menus, the policy and active deployments', async () => {
    const db = database()
    await saveImage(db, 'debian', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
    const ask = (method: string, path: string, body?: unknown) => api.ask(method, `/api/v1${path}`, body)
    const uses = async (path: string) => (await ask('GET', `${path}/uses`)).body
    await ask('PUT', '/answer-files/base', { documents: [{ name: 'preseed.cfg', text: 'd-i' }] })
    const nothing = { assigned: 0, groups: [], menus: [], policy: false, deployments: 0 }
    expect(await uses('/answer-files/base')).toEqual(nothing)
    const entries = [{ kind: 'image', name: 'install', text: 'Install', image: 'debian', answerFile: 'base' }]
    await ask('PUT', '/menus/main', { title: 'Main', entries })
    const more = [{ kind: 'menu', name: 'main', text: 'Main', menu: 'main' }]
    await ask('PUT', '/menus/top', { title: 'Top', entries: more })
    await ask('PUT', '/groups/all', { everybody: true, assignment: { menu: 'main', answerFile: 'base' } })
    await ask('PUT', '/machines/52:54:00:00:03:01', { assignment: { menu: 'main', answerFile: 'base' } })
    await ask('PUT', '/policy', { kind: 'menu', menu: 'main' })
    const machine = '52:54:00:00:03:01'
    await ask('POST', '/deployments', { machine, image: 'debian', answerFile: 'base', force: true })
    const shared = { assigned: 1, groups: ['all'] }
    const ofFile = { ...shared, menus: [{ menu: 'main', entry: 'install' }], policy: false, deployments: 1 }
    expect(await uses('/answer-files/base')).toEqual(ofFile)
    const ofMenu = { ...shared, menus: [{ menu: 'top', entry: 'main' }], policy: true, deployments: 0 }
    expect(await uses('/menus/main')).toEqual(ofMenu)
    expect((await ask('GET', '/menus/no-such/uses')).status).toBe(404)
  })
})
