import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { saveFile } from '../../../src/inventory/images/files.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { createImport, endImport, findImport, recordProgress } from '../../../src/inventory/images/imports.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'

const hash = 'ab'.repeat(32)
const sha256 = createHash('sha256').update('a kernel').digest('hex')

eachDatabase('imports over HTTP', (database) => {
  let api: Api
  let woken = 0
  beforeAll(async () => {
    api = await openApi(database())
    api.deps.intake.wake = () => {
      woken++
    }
  })
  afterAll(() => api.remove())
  const post = (body: object) => api.ask('POST', '/api/v1/imports', body)

  test('can be requested, read and cancelled, and hide the secrets in their URLs', async () => {
    woken = 0
    const url = 'https://anna:geheim@mirror.example/x/debian.iso?token=geheim'
    const made = await post({ image: 'debian', url, sha256: hash })
    expect(made).toMatchObject({
      status: 202,
      body: {
        image: 'debian',
        state: 'waiting',
        kind: 'url',
        source: 'https://mirror.example/x/debian.iso',
        doneBytes: 0,
      },
    })
    const path = made.headers.get('location') ?? ''
    expect(path).toBe(`/api/v1/imports/${made.body.id}`)
    await expect.poll(() => woken).toBe(1)
    await recordProgress(database(), made.body.id, {
      doing: 'downloading debian.iso',
      doneBytes: 43,
      totalBytes: 100,
      bytesPerSecond: 20,
    })
    const { body } = await api.ask('GET', path)
    expect(body).toMatchObject({
      state: 'running',
      doing: 'downloading debian.iso',
      doneBytes: 43,
      totalBytes: 100,
      bytesPerSecond: 20,
      secondsLeft: 3,
    })
    expect((await api.ask('GET', '/api/v1/imports?state=open')).body.items).toHaveLength(1)
    expect((await api.ask('POST', `${path}/cancel`)).body.state).toBe('cancelled')
    expect(await api.ask('POST', `${path}/cancel`)).toMatchObject({ status: 409 })
    expect((await api.ask('GET', '/api/v1/imports?state=open')).body.items).toEqual([])
    const changes = await api.ask('GET', '/api/v1/changes')
    expect(changes.body.items.map((item: { type: string }) => item.type)).toEqual([
      'import.cancelled',
      'import.created',
    ])
    const text = JSON.stringify([made.body, body, changes.body])
    expect(text).not.toMatch(/geheim|anna|"server"/)
  })

  test('of a kernel need the name of the image and URLs of files, and hide the secrets in them', async () => {
    const kernel = { url: 'https://anna:geheim@mirror.example/vmlinuz?token=geheim' }
    const linux = { kernel, initrds: [{ url: 'http://mirror.example/initrd.img' }], arch: 'x86_64' }
    expect((await post({ image: 'own', linux })).body).toMatchObject({
      ...{ kind: 'linux', image: 'own', source: 'https://mirror.example/vmlinuz' },
    })
    const fieldsOf = async (body: object) =>
      (await post(body)).body.errors?.map(({ field }: { field: string }) => field)
    expect(await fieldsOf({ linux })).toEqual(['image'])
    expect(await fieldsOf({ image: 'own', linux, archs: ['x86_64'] })).toEqual(['archs'])
    expect(await fieldsOf({ image: 'own', linux: { ...linux, kernel: { url: 'ftp://x/vmlinuz' } } })).toEqual([
      'linux.kernel.url',
    ])
    expect(await fieldsOf({ image: 'own', linux: { ...linux, initrds: [{ url: 'http://x/' }] } })).toEqual([
      'linux.initrds[0].url',
    ])
  })

  test('can be requested again with the same source, once they failed or were cancelled', async () => {
    const made = await post({ image: 'debian', url: 'https://mirror.example/debian.iso', draft: true })
    const path = `/api/v1/imports/${made.body.id}`
    expect((await api.ask('POST', `${path}/retry`)).status).toBe(409)
    await api.ask('POST', `${path}/cancel`)
    const again = await api.ask('POST', `${path}/retry`)
    expect(again).toMatchObject({ status: 202, body: { image: 'debian', state: 'waiting', source: made.body.source } })
    expect(again.body.id).not.toBe(made.body.id)
    expect((await findImport(database(), again.body.id))?.plan).toMatchObject({ draft: true })
    expect(
      (await api.ask('POST', `/api/v1/imports/${'0'.repeat(8)}-0000-7000-8000-${'0'.repeat(12)}/retry`)).status,
    ).toBe(404)
  })

  test('take the name of the image from the recipe, and report their failure', async () => {
    const { body } = await post({ recipe: 'debian-12', archs: ['x86_64'], mirror: 'http://192.0.2.1/debian/' })
    expect(body).toMatchObject({ image: 'debian-12', source: 'recipe debian-12', kind: 'recipe' })
    const found = await findImport(database(), body.id)
    expect(found?.plan).toEqual({
      ...{ kind: 'recipe', recipe: 'debian-12', archs: ['x86_64'], mirror: 'http://192.0.2.1/debian' },
    })
    const end = { state: 'failed' as const, message: 'because' }
    await database().transaction((tx) => endImport(tx, { id: body.id, actor: 'test' }, end))
    const failed = await api.ask('GET', `/api/v1/imports/${body.id}`)
    expect(failed.body).toMatchObject({ state: 'failed', message: 'because', endedAt: expect.any(String) })
  })

  test('start once for the same Idempotency-Key', async () => {
    const headers = { 'idempotency-key': 'once' }
    const body = { recipe: 'debian-12' }
    const first = await api.ask('POST', '/api/v1/imports', body, headers)
    const again = await api.ask('POST', '/api/v1/imports', body, headers)
    expect([first.status, again.status, again.body.id]).toEqual([202, 202, first.body.id])
    // In the transaction of the key, the embedded database has no second connection for the recipes.
    expect(await api.ask('POST', '/api/v1/recipes/debian-12/check', undefined, headers)).toMatchObject({ status: 422 })
    const other = { 'idempotency-key': 'check' }
    expect(await api.ask('POST', '/api/v1/recipes/debian-12/check', undefined, other)).toMatchObject({ status: 200 })
  })

  test.each<[object, string, RegExp]>([
    [{}, 'recipe', /one of recipe, url, file and linux/],
    [{ recipe: 'debian-12', url: 'http://h/x.iso' }, 'url', /one of recipe, url, file and linux/],
    [{ recipe: 'nothing' }, 'recipe', /the name of a recipe/],
    [{ recipe: 'debian-12', archs: ['i386'] }, 'archs', /some of x86_64, arm64/],
    [{ recipe: 'debian-12', keepIso: true }, 'keepIso', /nothing, because the field is only for url and file/],
    [{ url: 'file:///etc/passwd' }, 'url', /the URL of an ISO/],
    [{ url: 'http://h/disk.img' }, 'url', /the URL of an ISO/],
    [{ url: 'http://h/x.iso', sha256: 'x' }, 'sha256', /a sha256/],
    [{ url: 'http://h/x.iso', mirror: 'http://h' }, 'mirror', /nothing, because the field is only for recipe/],
    [{ file: hash }, 'file', /the sha256 of an uploaded file/],
    [{ url: 'http://h/x.iso', wimboot: { sha256: hash, name: 'wimboot' } }, 'wimboot.sha256', /an uploaded file/],
  ])('refuse the request %j', async (body, field, expected) => {
    const { status, body: said } = await post(body)
    expect([status, said.errors[0]]).toMatchObject([422, { field, expected: expect.stringMatching(expected) }])
  })

  test('import an uploaded ISO by its hash', async () => {
    await saveFile(database(), { sha256: hash, name: 'big.iso', sizeBytes: 5 })
    expect((await post({ file: hash, keepIso: true })).body).toMatchObject({ kind: 'file', source: 'big.iso' })
  })

  test('are refused if too many are waiting', async () => {
    const asked = { recipe: 'debian-12' }
    const { body } = await post(asked)
    const waiting = await findImport(database(), body.id)
    if (waiting === undefined) throw new Error('the import was not recorded')
    const { image, plan, server } = waiting
    for (let count = 2; count < 200; count++)
      await createImport(database(), { image: image ?? undefined, plan, server }, 'tester')
    expect((await post(asked)).status).toBe(202)
    expect(await post(asked)).toMatchObject({
      status: 409,
      body: { detail: expect.stringContaining('200 imports are already waiting or running') },
    })
  })

  test('list recipes with their architectures and end-of-life dates', async () => {
    const { items, faults } = (await api.ask('GET', '/api/v1/recipes')).body
    expect(faults).toEqual([])
    expect(items.find((item: { name: string }) => item.name === 'debian-12')).toMatchObject({
      hasVersions: true,
      images: [],
      archs: ['x86_64', 'arm64'],
      endOfLife: expect.stringMatching(/^20\d\d-\d\d-\d\d$/),
    })
  })

  test('show the images of a recipe, with the version that the recipe found', async () => {
    await api.app.request(`/api/v1/files/${sha256}?name=vmlinuz`, { method: 'PUT', body: 'a kernel' })
    const kernel = { sha256, name: 'vmlinuz' }
    const variants = [{ kind: 'linux' as const, arch: 'x86_64' as const, kernel, initrds: [], args: [] }]
    const save = (version: string) =>
      saveImage(database(), 'mine', { variants, recipe: { name: 'debian-12', version } }, {}, 'tester')
    await save('20230607')
    await save('20230607+deb12u10')
    const { items } = (await api.ask('GET', '/api/v1/recipes')).body
    expect(items.find((item: { name: string }) => item.name === 'debian-12').images).toEqual([
      ...[
        { name: 'mine', version: 1, recipeVersion: '20230607+deb12u10', sizeBytes: 8, createdAt: expect.any(String) },
      ],
    ])
  })

  test('compare the images of a recipe with its newest version, and say why that is unknown', async () => {
    await api.app.request(`/api/v1/files/${sha256}?name=vmlinuz`, { method: 'PUT', body: 'a kernel' })
    const kernel = { sha256, name: 'vmlinuz' }
    const variants = [{ kind: 'linux' as const, arch: 'x86_64' as const, kernel, initrds: [], args: [] }]
    await saveImage(database(), 'mine', { variants, recipe: { name: 'debian-12', version: '9' } }, {}, 'tester')
    const check = async (newest: () => Promise<string | undefined>, recipe = 'debian-12') => {
      api.deps.intake.newestVersion = newest
      return api.ask('POST', `/api/v1/recipes/${recipe}/check`)
    }
    const images = (older: boolean) => [{ name: 'mine', recipeVersion: '9', older }]
    expect((await check(async () => '10')).body).toMatchObject({ newest: '10', images: images(true) })
    expect((await check(async () => '9')).body).toMatchObject({ newest: '9', images: images(false) })
    const failed = await check(() => Promise.reject(new Error('deb.debian.org does not answer')))
    expect(failed.body).toMatchObject({ problem: 'deb.debian.org does not answer', images: images(false) })
    expect((await check(async () => undefined, 'nothing')).status).toBe(404)
  })
})
