import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PresentNbp } from '../../../src/model/firmware/nbp.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'

const programs: PresentNbp[] = [
  { name: 'undionly.kpxe' },
  { name: 'snponly.efi', builtFor: 'x86_64', version: '1.21.1', bytes: Buffer.alloc(5), sha256: 'a'.repeat(64) },
  { name: 'ipxe.efi', builtFor: 'x86_64' },
]

eachDatabase('the list of boot programs', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database(), { nbps: new Map(programs.map((nbp) => [nbp.name, nbp])) })
  })
  afterAll(() => api.remove())

  test('says which firmware gets which program, who chooses one, and what is missing', async () => {
    const put = (path: string, body: object) => api.ask('PUT', `/api/v1${path}`, body)
    await put('/machines/52-54-00-00-00-01', { assignment: { bootProgram: 'ipxe.efi' } })
    await put('/machines/52-54-00-00-00-02', { labels: { rack: 'a' } })
    await put('/machines/52-54-00-00-00-03', {})
    const selector = [{ label: 'rack', equals: 'a' }]
    await put('/groups/old', { selector, assignment: { bootProgram: 'gone.efi' } })
    const { body } = await api.ask('GET', '/api/v1/boot-programs')
    expect(body.items).toMatchObject([
      { name: 'undionly.kpxe', defaultFor: [{ code: 0, words: 'BIOS', transport: 'tftp' }, { code: 20 }], machines: 0 },
      {
        ...{ name: 'snponly.efi', builtFor: 'x86_64', version: '1.21.1', sizeBytes: 5, sha256: 'a'.repeat(64) },
        defaultFor: [{ code: 7 }, { code: 9 }, { code: 16 }],
      },
      { name: 'ipxe.efi', defaultFor: [], machines: 1, groups: [] },
    ])
    expect(body.absent).toEqual([{ name: 'gone.efi', machines: 1, groups: ['old'] }])
    expect(body.missing.find(({ code }: { code: number }) => code === 11)).toEqual({
      ...{ code: 11, words: 'UEFI arm64', transport: 'tftp', expected: ['snponly-arm64.efi', 'ipxe-arm64.efi'] },
      meaning:
        'machines with UEFI arm64 get no boot program from this server. To serve them, add snponly-arm64.efi or ipxe-arm64.efi to the folder of boot programs and restart the server',
    })
    expect(body.more).toBe(false)
  })
})
