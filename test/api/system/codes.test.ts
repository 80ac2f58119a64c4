import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'

eachDatabase('codes over HTTP', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())
  const ask = (path: string) => api.ask('GET', `/api/v1/codes${path}`)

  test('are explained one by one, for one kind of firmware or for both', async () => {
    const { status, body } = await ask('/2D0C613B')
    expect(status).toBe(200)
    expect(body.items).toMatchObject([{ code: '2d0c613b', source: 'ipxe', page: 'https://ipxe.org/2d0c61' }])
    expect((await ask('/PXE-E53')).body.items.map(({ firmware }: { firmware: string }) => firmware)).toEqual([
      'bios',
      'uefi',
    ])
    expect((await ask('/PXE-E53?firmware=bios')).body.items).toHaveLength(1)
  })

  test('are found in a text', async () => {
    const text = encodeURIComponent('PXE-E18: Server response timeout. http://ipxe.org/040ee119')
    const codes = (await ask(`?text=${text}`)).body.items.map(({ code }: { code: string }) => code)
    expect(codes).toEqual(['PXE-E18', '040ee119'])
    expect((await ask('?text=nothing')).body).toEqual({ items: [] })
  })

  test('that do not exist, and texts that are too long, are refused', async () => {
    expect(await ask('/what')).toMatchObject({ status: 404, body: { detail: 'there is no code what' } })
    expect((await ask(`?text=${'x'.repeat(4001)}`)).status).toBe(422)
    expect((await ask('/PXE-E53?firmware=efi')).status).toBe(422)
  })
})
