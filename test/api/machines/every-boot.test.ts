import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { saveAnswerFile } from '../../../src/inventory/images/answer-files.ts'
import { saveFile } from '../../../src/inventory/images/files.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { type Api, addFile, openApi } from '../../helpers/api.ts'
import { decideFor, openBootFor } from '../../helpers/boots.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { recordReport } from '../../helpers/reports.ts'

const mac = '52:54:00:00:0e:0a'
const here = `/api/v1/machines/${mac}`

eachDatabase('an assignment that installs at every boot needs everyBoot', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())
  beforeEach(async () => {
    const efi = { kind: 'local' as const, arch: 'x86_64' as const }
    await saveImage(database(), 'plain', { variants: [efi] }, {}, 'tester')
    await saveImage(database(), 'wipes', { variants: [{ ...efi, platform: 'efi' }], installer: true }, {}, 'tester')
    await saveAnswerFile(
      database(),
      'ci',
      { documents: [{ name: 'a', mediaType: 'text/plain', text: 'x' }] },
      {},
      'tester',
    )
  })

  const menu = (entry: object, more: object = {}) => ({
    title: 'T',
    timeoutSeconds: 5,
    defaultEntry: 'a',
    entries: [
      { name: 'a', text: 'A', ...entry },
      { name: 'b', text: 'B', kind: 'local' },
    ],
    ...more,
  })

  test.each<[string, string, string, object]>([
    ['a machine', 'PUT', here, { assignment: { image: 'wipes' } }],
    ['a machine with an answer file', 'PUT', here, { assignment: { image: 'plain', answerFile: 'ci' } }],
    [
      'a machine entered by its UUID',
      'POST',
      '/api/v1/machines',
      { uuid: '37393031-3735-4d32-3234-333530313858', assignment: { image: 'wipes' } },
    ],
    ['a group', 'PUT', '/api/v1/groups/g', { everybody: true, assignment: { image: 'wipes' } }],
    ['the policy', 'PUT', '/api/v1/policy', { kind: 'image', image: 'wipes' }],
    ['the default of a menu with a time limit', 'PUT', '/api/v1/menus/m', menu({ kind: 'image', image: 'wipes' })],
    [
      'such a default with an answer file',
      'PUT',
      '/api/v1/menus/m',
      menu({ kind: 'image', image: 'plain', answerFile: 'ci' }),
    ],
  ])('%s', async (_, method, path, body) => {
    const reply = await api.ask(method, path, body)
    expect([reply.status, reply.body.errors?.[0]]).toMatchObject([
      422,
      {
        field: expect.stringMatching(/everyBoot$/),
        expected: expect.stringContaining('to install once: bootwright deployment arm MAC --image'),
      },
    ])
    const permitted = JSON.parse(JSON.stringify(body).replace(/"image":"(\w+)"/, '"image":"$1","everyBoot":true'))
    expect((await api.ask(method, path, permitted)).status).toBeLessThan(300)
  })

  test('for each new image, and for an answer file that is added later', async () => {
    await api.ask('PUT', here, { assignment: { image: 'wipes', everyBoot: true } })
    const next = await api.ask('PATCH', here, { assignment: { image: 'plain' } })
    expect(next.body.assignment).toEqual({ image: 'plain' })
    expect((await api.ask('PATCH', here, { assignment: { answerFile: 'ci' } })).status).toBe(422)
    expect((await api.ask('PATCH', here, { assignment: { answerFile: 'ci', everyBoot: true } })).status).toBe(200)
    expect((await api.ask('PATCH', here, { hostname: 'n1' })).body.assignment).toMatchObject({ everyBoot: true })
  })

  test('in each row of an upload', async () => {
    const rows = [
      { mac, assignment: { image: 'wipes' } },
      { mac: mac.replace('0a', '0b'), assignment: { image: 'wipes', everyBoot: true } },
    ]
    const upload = async (body: string, type: string) =>
      (
        await api.app.request('/api/v1/machines/bulk', { method: 'POST', headers: { 'content-type': type }, body })
      ).text()
    expect(await upload(rows.map((row) => JSON.stringify(row)).join('\n'), 'application/x-ndjson')).toMatch(
      /"line":1,"errors":\[\{"field":"assignment.everyBoot".*\n.*"created":1.*"failed":1/s,
    )
    expect(await upload(`mac,image,everyBoot\n${mac},wipes,true\n`, 'text/csv')).toContain('"created":1')
  })
})

eachDatabase('an installation at every boot is detected across assignments', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())
  const variant = { kind: 'local' as const, arch: 'x86_64' as const }

  test('if the answer file comes from a group and the image from the machine', async () => {
    const db = database()
    const file = await addFile(api, 'k', 'linux')
    await saveImage(
      db,
      'linux',
      { variants: [{ kind: 'linux', arch: 'x86_64', kernel: file, initrds: [], args: [] }] },
      {},
      'tester',
    )
    await saveAnswerFile(db, 'ci', { documents: [{ name: 'a', mediaType: 'text/plain', text: 'x' }] }, {}, 'tester')
    await api.ask('PUT', '/api/v1/groups/all', { everybody: true, assignment: { answerFile: 'ci' } })
    await api.ask('PUT', here, { hostname: 'n1', assignment: { image: 'linux' } })
    const { spec } = await decideFor(db, { mac })
    expect(spec).toEqual({
      kind: 'refusal',
      code: 'BW-EVERY-BOOT',
      reason: 'image linux with answer file ci would install at every boot, but its assignment does not set everyBoot',
      nextStep: `to install once: bootwright deployment arm ${mac} --image linux --answer-file ci`,
    })
    await api.ask('PATCH', here, { assignment: { everyBoot: true } })
    expect((await decideFor(db, { mac })).spec.kind).toBe('linux')
    await api.ask('PATCH', here, { assignment: { image: null } })
    await api.ask('POST', '/api/v1/deployments', { machine: mac, image: 'linux' })
    expect(await decideFor(db, { mac })).toMatchObject({ spec: { kind: 'linux' }, deployment: { attempt: 1 } })
  })

  test.each<[string, boolean | null, object, object, string]>([
    ['of a group, with an image that is no installer', false, { image: 'live' }, { answerFile: 'ci' }, 'linux'],
    ['of a group, with an image of which nobody said so', null, { image: 'live' }, { answerFile: 'ci' }, 'refusal'],
    ['of a group, with an installer', true, { image: 'live', everyBoot: true }, { answerFile: 'ci' }, 'linux'],
    [
      'of a machine, with the image of a group that is no installer',
      false,
      { answerFile: 'ci' },
      { image: 'live' },
      'linux',
    ],
    ['of the group that says the image', false, {}, { image: 'live', answerFile: 'ci', everyBoot: true }, 'linux'],
  ])('for an answer file %s', async (_, installer, own, ofGroup, kind) => {
    const db = database()
    const kernel = { sha256: 'e'.repeat(64), name: 'k' }
    await saveFile(db, { ...kernel, sizeBytes: 1 })
    await saveImage(
      db,
      'live',
      {
        installer,
        variants: [{ kind: 'linux', arch: 'x86_64', kernel, initrds: [], args: [] }],
      },
      {},
      'tester',
    )
    await saveAnswerFile(db, 'ci', { documents: [{ name: 'a', mediaType: 'text/plain', text: 'x' }] }, {}, 'tester')
    expect((await api.ask('PUT', here, { assignment: own })).status).toBe(201)
    expect((await api.ask('PUT', '/api/v1/groups/g', { everybody: true, assignment: ofGroup })).status).toBe(201)
    expect((await decideFor(db, { mac })).spec.kind).toBe(kind)
    // An image that becomes an installer later is not served without everyBoot. Unrelated fields can still be changed.
    await api.ask('PATCH', '/api/v1/images/live', { installer: true })
    const permitted = 'everyBoot' in own || 'everyBoot' in ofGroup
    expect((await decideFor(db, { mac })).spec.kind).toBe(permitted ? 'linux' : 'refusal')
    for (const path of [here, '/api/v1/groups/g'])
      expect((await api.ask('PATCH', path, { assignment: { params: { disk: 'sda' } } })).status).toBe(200)
  })

  test.each<[string, object[], boolean]>([
    ['a draft that is promoted', [{ draft: true, installer: true, target: 2 }, { version: 2 }], true],
    ['a draft that said nothing', [{ installer: true, target: 2 }, { draft: true, target: 3 }, { version: 3 }], true],
    [
      'a draft said to be one later',
      [{ draft: true, target: 2 }, { draft: true, installer: true, target: 2 }, { version: 2 }],
      true,
    ],
    ['a roll back', [{ installer: true, target: 2 }, { installer: false, target: 3 }, { version: 2 }], true],
    [
      'a roll back of what was marked later',
      [{ target: 2 }, { installer: true }, { installer: false, target: 3 }, { version: 2 }],
      true,
    ],
    [
      'a promotion that says so',
      [
        { draft: true, target: 2 },
        { version: 2, installer: true },
      ],
      true,
    ],
    ['a draft that is not promoted', [{ draft: true, installer: true, target: 2 }], false],
    ['a roll back to what was none', [{ installer: true, target: 2 }, { version: 1 }], false],
  ])('if a version became an installer by %s', async (_, steps, refused) => {
    const image = '/api/v1/images/mixed'
    const put = (target: number, more: object = {}) =>
      api.ask('PUT', image, {
        ...{ draft: false, ...more },
        variants: [{ kind: 'sanboot', arch: 'x86_64', target: `iscsi:192.0.2.1::::iqn.${target}` }],
      })
    await put(1)
    await api.ask('PUT', here, { assignment: { image: 'mixed' } })
    for (const { target, ...step } of steps as { target?: number }[]) {
      const { status } = target === undefined ? await api.ask('PATCH', image, step) : await put(target, step)
      expect(status).toBe(200)
    }
    expect((await decideFor(database(), { mac })).spec.kind).toBe(refused ? 'refusal' : 'sanboot')
    expect((await api.ask('GET', image)).body.installer === true).toBe(refused)
  })

  test('if the default entry of a menu installs or is hidden: the menu waits for a person and names the reason', async () => {
    const db = database()
    await saveImage(db, 'plain', { variants: [variant] }, {}, 'tester')
    const memtest = { name: 'memtest', text: 'Memory', kind: 'image', image: 'plain', platforms: ['pcbios'] }
    const wipe = { name: 'wipe', text: 'Wipe', kind: 'image', image: 'plain' }
    const body = { title: 'T', timeoutSeconds: 5, defaultEntry: 'memtest', entries: [wipe, memtest] }
    const saved = await api.ask('PUT', '/api/v1/menus/m', body)
    expect(saved.body.notices).toEqual([
      'default entry memtest is only for pcbios: on other machines the menu waits for a person',
    ])
    await api.ask('PUT', '/api/v1/policy', { kind: 'menu', menu: 'm' })
    const efi = await decideFor(db, { mac, platform: 'efi', buildarch: 'x86_64' })
    const note = 'the default entry memtest is hidden on this machine, so the menu waits for a person'
    expect(efi.spec).toMatchObject({ timeoutSeconds: null, defaultEntry: null, note })
    expect(efi.notices).toEqual([`menu m: ${note}`])
    const bios = await decideFor(db, { mac, platform: 'pcbios', buildarch: 'i386', cpuarch: 'x86_64' })
    expect(bios.spec).toMatchObject({ timeoutSeconds: 5, defaultEntry: 'memtest' })
    // The image becomes an installer only after the menu was saved.
    await api.ask('PATCH', '/api/v1/images/plain', { installer: true })
    const now = await decideFor(db, { mac, platform: 'pcbios', buildarch: 'i386', cpuarch: 'x86_64' })
    expect(now.spec).toMatchObject({
      timeoutSeconds: null,
      note: 'the default entry memtest installs, so the menu waits for a person',
    })
  })

  test('if a machine reports twice in a row that its assignment is installed: the machine is a finding', async () => {
    const db = database()
    const found = async () => (await api.ask('GET', '/api/v1/findings')).body.items
    await api.ask('PUT', here, { hostname: 'n1' })
    for (const times of [1, 2]) {
      const { token } = await openBootFor(db, { mac }, '10.0.0.1')
      await recordReport(db, token, 'installed', '10.0.0.1', undefined)
      expect((await found()).length).toBe(times - 1)
    }
    expect(await found()).toMatchObject([{ code: 'BW-REINSTALLS', machines: [{ name: 'n1' }] }])
    const { token } = await openBootFor(db, { mac }, '10.0.0.1')
    await recordReport(db, token, 'booted', '10.0.0.1', undefined)
    expect(await found()).toEqual([])
  })
})
