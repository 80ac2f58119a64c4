import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'

const text = `# Ours.
title: Ours
family: tools
variants:
  - { kind: efi, arch: x86_64, file: { url: 'http://192.0.2.1/x.efi' } }
`

eachDatabase('recipes over HTTP', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())
  const path = '/api/v1/recipes/debian-12'
  const put = (body: object, headers = {}) => api.ask('PUT', path, body, headers)
  const listed = async () => {
    const { items } = (await api.ask('GET', '/api/v1/recipes')).body
    return items.find(({ name }: { name: string }) => name === 'debian-12')
  }

  test('replace one that ships with Bootwright until they are deleted, and are in the audit log', async () => {
    const shipped = (await api.ask('GET', path)).body
    expect(shipped).toMatchObject({ origin: 'shipped', text: expect.stringContaining('title: Debian 12') })
    expect(await put({ text }, { 'if-none-match': '*' })).toMatchObject({
      status: 201,
      body: { name: 'debian-12', origin: 'database', text, revision: 1 },
    })
    expect(await listed()).toMatchObject({ title: 'Ours', origin: 'database' })
    const { headers } = await api.ask('GET', path)
    const etag = headers.get('etag') ?? ''
    expect((await put({ text: `${text}notes: [new]\n` }, { 'if-match': etag })).body.revision).toBe(2)
    expect((await put({ text }, { 'if-match': etag })).status).toBe(412)
    expect((await api.ask('DELETE', path)).status).toBe(204)
    expect((await api.ask('GET', path)).body).toEqual(shipped)
    expect(await api.ask('DELETE', path)).toMatchObject({ status: 404 })
    const { items } = (await api.ask('GET', '/api/v1/changes?type=recipe')).body
    expect(items.map(({ type }: { type: string }) => type)).toEqual([
      'recipe.deleted',
      'recipe.changed',
      'recipe.created',
    ])
  })

  test('are refused with all their faults, and nothing is saved', async () => {
    const { status, body } = await put({ text: text.replace('efi,', 'floppy,').replace('family: tools\n', '') })
    expect([status, body.errors.map(({ message }: { message: string }) => message)]).toEqual([
      422,
      [
        'text: family is required',
        'text: variants[0].kind: expected linux, efi, ipxe, sanboot or archive, got "floppy"',
      ],
    ])
    expect((await put({ text: 'a: [' })).body.errors).toMatchObject([{ field: 'text' }])
    expect((await put({ text: `# ${'x'.repeat(256 * 1024)}` })).status).toBe(422)
    expect(await listed()).toMatchObject({ origin: 'shipped' })
  })
})
