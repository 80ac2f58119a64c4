import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Reason } from '../../../src/model/decision.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { eachDatabase } from '../../helpers/database.ts'

eachDatabase('explanations over HTTP', (database) => {
  let api: Api
  beforeAll(async () => {
    api = await openApi(database())
  })
  afterAll(() => api.remove())
  const explain = (query: string) => api.ask('GET', `/api/v1/explain?${query}`)

  beforeEach(async () => {
    const groups = {
      dell: {
        priority: 5,
        selector: [{ fact: 'product', prefix: 'PowerEdge' }],
        assignment: { params: { vendor: 'dell' } },
      },
      lab: { selector: [{ fact: 'ip', cidr: '10.9.0.0/16' }], assignment: { local: true } },
    }
    for (const [name, body] of Object.entries(groups)) await api.ask('PUT', `/api/v1/groups/${name}`, body)
  })

  test('cover a machine that does not exist yet, and record nothing', async () => {
    const { status, body } = await explain('mac=52-54-00-00-00-01&product=PowerEdge%20R650&ip=10.9.1.1&platform=pcbios')
    expect(status).toBe(200)
    expect(body).toMatchObject({
      groups: ['lab', 'dell'],
      params: { vendor: 'dell' },
      spec: { kind: 'local', method: 'sanboot' },
      target: { platform: 'pcbios' },
      others: [],
    })
    expect((await api.ask('GET', '/api/v1/machines')).body.items).toEqual([])
  })

  test('name the failed condition and its value for each group that does not match', async () => {
    const { body } = await explain('mac=52-54-00-00-00-01&product=X1')
    expect(body.others).toEqual([
      { group: 'dell', why: 'product prefix "PowerEdge", but the machine has "X1"' },
      { group: 'lab', why: 'ip cidr "10.9.0.0/16", but the machine has nothing' },
    ])
  })

  test('name the boot program for the firmware, and who chose it', async () => {
    const reasonFor = async (query: string) =>
      (await explain(query)).body.reasons.find(({ candidate }: Reason) => candidate.startsWith('boot program'))
    const mac = 'mac=52-54-00-00-00-01'
    expect(await reasonFor(`${mac}&platform=efi&arch=x86_64`)).toEqual({
      candidate: 'boot program snponly.efi',
      won: true,
      why: 'the default for UEFI x86-64',
    })
    await api.ask('PUT', '/api/v1/groups/usb', { everybody: true, assignment: { bootProgram: 'ipxe.efi' } })
    expect(await reasonFor(`${mac}&platform=efi&arch=x86_64`)).toEqual({
      candidate: 'boot program ipxe.efi',
      won: true,
      why: 'group usb chooses it',
    })
    expect(await reasonFor(`${mac}&platform=efi&arch=arm64`)).toEqual({
      candidate: 'boot program ipxe-arm64.efi',
      won: true,
      why: 'group usb chooses ipxe.efi, but ipxe.efi is not for UEFI arm64: the default for UEFI arm64',
    })
    expect(await reasonFor(`${mac}&platform=efi&arch=i386`)).toMatchObject({ candidate: 'boot program', won: false })
  })

  test('of a known machine use the facts that it reported before', async () => {
    await api.ask('PUT', '/api/v1/machines/52-54-00-00-00-01', { product: 'PowerEdge R1' })
    const { body } = await api.ask('GET', '/api/v1/machines/525400000001/decision')
    expect([body.groups, body.others.map((item: { group: string }) => item.group)]).toEqual([['dell'], ['lab']])
  })

  test.each(['mac=xyz', 'uuid=1', 'ip=10.0.0', 'colour=red', 'arch=mips'])('refuse the query %s', async (query) => {
    expect((await explain(query)).status).toBe(422)
  })
})
