import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'

const here = '/api/v1/images/debian-12'

eachDatabase('versions of images over HTTP', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())
  beforeEach(async () => {
    const [one, two] = [await put('one'), await put('number two')]
    await api.ask('PUT', here, { variants: [linux(one, ['quiet'])], source: 'recipe debian-12' })
    await api.ask('PUT', here, { variants: [linux(two, ['quiet', 'console=ttyS0'])], endOfLife: '2028-06-30' })
  })

  const put = async (text: string) => {
    const sha256 = createHash('sha256').update(text).digest('hex')
    await api.app.request(`/api/v1/files/${sha256}?name=vmlinuz`, { method: 'PUT', body: text })
    return { sha256, name: 'vmlinuz' }
  }
  const linux = (kernel: object, args: string[]) => ({ kind: 'linux', arch: 'x86_64', kernel, initrds: [], args })

  test('have a source, and their list has the target of a rollback', async () => {
    const first = await api.ask('GET', `${here}/versions/1`)
    expect(first).toMatchObject({ status: 200, body: { version: 1, current: false, source: 'recipe debian-12' } })
    expect(first.headers.get('etag')).toBe((await api.ask('GET', here)).headers.get('etag'))
    expect((await api.ask('GET', `${here}/versions/2`)).body).not.toHaveProperty('source')
    expect((await api.ask('GET', `${here}/versions`)).body).toMatchObject({ rollback: 1, items: [{}, {}] })
    await api.ask('PATCH', here, { version: 1 })
    expect((await api.ask('GET', `${here}/versions`)).body).not.toHaveProperty('rollback')
    expect(await api.ask('GET', `${here}/versions/3`)).toMatchObject({
      status: 404,
      body: { detail: 'image debian-12 has no version 3' },
    })
    expect((await api.ask('GET', `${here}/versions/x`)).status).toBe(422)
  })

  test('can be compared, with the sizes of files', async () => {
    const { status, body } = await api.ask('GET', `${here}/diff`)
    expect([status, body]).toEqual([
      200,
      {
        from: 1,
        to: 2,
        variants: [
          {
            arch: 'x86_64',
            change: 'changed',
            files: [
              {
                role: 'kernel',
                from: { sha256: expect.any(String), name: 'vmlinuz', sizeBytes: 3 },
                to: { sha256: expect.any(String), name: 'vmlinuz', sizeBytes: 10 },
              },
            ],
            args: { removed: [], added: ['console=ttyS0'], reordered: false },
            fields: [],
          },
        ],
      },
    ])
    expect((await api.ask('GET', `${here}/diff?from=2&to=1`)).body.variants[0].args.removed).toEqual(['console=ttyS0'])
    expect((await api.ask('GET', `${here}/diff?from=2&to=2`)).body.variants).toEqual([])
    expect((await api.ask('GET', `${here}/diff?from=7`)).status).toBe(404)
    expect((await api.ask('GET', `${here}/diff?from=0`)).status).toBe(422)
  })

  test('can be deleted if unchanged since they were read, except the current version', async () => {
    const old = (await api.ask('GET', here)).headers.get('etag') as string
    await api.ask('PATCH', here, { title: 'Debian' })
    const etag = (await api.ask('GET', here)).headers.get('etag') as string
    const remove = (version: number, tag: string) =>
      api.ask('DELETE', `${here}/versions/${version}`, undefined, { 'if-match': tag })
    expect((await remove(1, old)).status).toBe(412)
    expect(await remove(2, etag)).toMatchObject({
      status: 409,
      body: {
        detail:
          'version 2 of image debian-12 is the current version. Next step: bootwright image promote debian-12 VERSION',
      },
    })
    expect((await remove(1, etag)).status).toBe(204)
    expect((await remove(1, etag)).status).toBe(404)
    expect(await api.ask('GET', `${here}/diff`)).toMatchObject({
      status: 404,
      body: { detail: 'image debian-12 has no version before 2' },
    })
  })

  test('belong to an image whose end-of-life date can be set, read and removed', async () => {
    expect((await api.ask('GET', '/api/v1/images')).body.items).toMatchObject([{ endOfLife: '2028-06-30' }])
    for (const endOfLife of ['2028-06-31', 'soon', 20280630, ''])
      expect((await api.ask('PATCH', here, { endOfLife })).body.errors?.[0].field).toBe('endOfLife')
    expect((await api.ask('PATCH', here, { endOfLife: null })).body).not.toHaveProperty('endOfLife')
  })
})
