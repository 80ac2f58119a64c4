import { expect, test } from 'vitest'
import { listBoots } from '../../../src/inventory/boots/boots.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { creationOrder, searchMachines } from '../../../src/inventory/machines/list.ts'
import { deleteMachine, findMachine, newMachine, saveMachine } from '../../../src/inventory/machines/machines.ts'
import type { MachineSearch } from '../../../src/inventory/machines/search/condition.ts'
import { ConflictError, InputError, NotFoundError } from '../../../src/lib/errors.ts'
import { swapUuid } from '../../../src/lib/ids/uuid.ts'
import { openBootFor } from '../../helpers/boots.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { recordDiscovered } from '../../helpers/discovered.ts'

const [a, b, c] = ['52:54:00:00:00:0a', '52:54:00:00:00:0b', '52:54:00:00:00:0c'] as const
const uuid = '4c4c4544-0042-3510-8054-b7c04f4e3332'
const nobody = '0190d3f2-7c1a-7b5e-9f00-3a5d2c1b4e6f'

eachDatabase('machines', (database) => {
  test('saving creates a machine once, and leaves absent fields unchanged', async () => {
    const first = await saveMachine(database(), { mac: a }, { hostname: 'n1', labels: { rack: 'b4' } }, {}, 'tester')
    expect(first.created).toBe(true)
    expect(first.machine).toMatchObject({
      macs: [a],
      hostname: 'n1',
      discovered: false,
      denied: false,
      labels: { rack: 'b4' },
      facts: {},
    })
    expect(first.machine).not.toHaveProperty('uuid')
    const second = await saveMachine(database(), { mac: a }, { uuid, hostname: undefined }, {}, 'tester')
    expect([second.created, second.machine.id]).toEqual([false, first.machine.id])
    expect(second.machine).toMatchObject({ hostname: 'n1', uuid, labels: { rack: 'b4' } })
    const third = await saveMachine(database(), { id: first.machine.id }, { hostname: null }, {}, 'tester')
    expect(third.machine).not.toHaveProperty('hostname')
  })

  test('a MAC that was only discovered becomes the entered machine, with its boots', async () => {
    const seen = await recordDiscovered(database(), { mac: b }, { max: 10, maxPerAddress: 10 })
    await openBootFor(database(), { mac: b }, '10.0.0.9')
    const { machine } = await saveMachine(database(), { mac: a }, { macs: [b] }, {}, 'tester')
    expect(machine.macs).toEqual([a, b])
    expect(await findMachine(database(), { id: seen?.id as string })).toBeUndefined()
    expect(await listBoots(database(), { machineId: machine.id }, 10)).toMatchObject([{ mac: b }])
  })

  test.each<[string, (id: string) => Parameters<typeof saveMachine>[1]]>([
    ['by a MAC that nobody has', () => ({ mac: c })],
    ['by a discovered MAC', () => ({ mac: b })],
    ['by the id of a discovered machine', (id) => ({ id })],
  ])('a UUID of a machine without MACs means that machine, saved %s', async (_, keyOf) => {
    const assignment = { local: true } as const
    const { machine } = await saveMachine(database(), newMachine, { uuid, hostname: 'bare', assignment }, {}, 'tester')
    const seen = await recordDiscovered(database(), { mac: b, uuid }, { max: 10, maxPerAddress: 10 })
    const key = keyOf(seen?.id ?? '')
    for (const times of [1, 2]) {
      const saved = await saveMachine(
        database(),
        'id' in key && times === 2 ? { mac: b } : key,
        { uuid: swapUuid(uuid) },
        { replace: times === 1 },
        'tester',
      )
      expect([saved.machine.id, saved.created]).toEqual([machine.id, false])
    }
    const now = await findMachine(database(), { id: machine.id })
    expect(now).toMatchObject({ hostname: 'bare', assignment, macs: ['mac' in key ? key.mac : b] })
  })

  test('a UUID that alone identifies a machine cannot be entered for another machine', async () => {
    const { machine: bare } = await saveMachine(database(), newMachine, { uuid, hostname: 'bare' }, {}, 'tester')
    const serial = { serial: 'S 1', product: 'P' }
    const { machine: other } = await saveMachine(database(), { mac: a }, { hostname: 'other', ...serial }, {}, 'tester')
    const taken = /uuid \S+: expected a value that no other machine has.*: machine bare has this value/
    await expect(saveMachine(database(), newMachine, { uuid: swapUuid(uuid) }, {}, 'tester')).rejects.toThrow(taken)
    await expect(saveMachine(database(), { mac: c }, { uuid }, { ifNoneMatch: '*' }, 'tester')).rejects.toThrow(taken)
    await expect(saveMachine(database(), { mac: a }, { uuid }, {}, 'tester')).rejects.toThrow(taken)
    await expect(saveMachine(database(), newMachine, { serial: 's  1', product: 'p' }, {}, 'tester')).rejects.toThrow(
      /other has this value/,
    )
    // Two boards of one series differ by their MACs, until one board loses its last MAC.
    await saveMachine(database(), { id: bare.id }, { macs: [b] }, {}, 'tester')
    await saveMachine(database(), { mac: a }, { uuid }, {}, 'tester')
    await expect(saveMachine(database(), { id: other.id }, { macs: [] }, {}, 'tester')).rejects.toThrow(taken)
    await saveMachine(database(), { id: bare.id }, { uuid: null }, {}, 'tester')
    expect((await saveMachine(database(), { id: other.id }, { macs: [] }, {}, 'tester')).machine).toMatchObject({
      uuid,
      macs: [],
    })
  })

  test('MACs are replaced as a set, and the MAC in the request stays', async () => {
    await saveMachine(database(), { mac: a }, { macs: [b, c] }, {}, 'tester')
    expect((await findMachine(database(), { mac: b }))?.macs).toEqual([a, b, c])
    await saveMachine(database(), { mac: a }, { macs: [c] }, {}, 'tester')
    expect(await findMachine(database(), { mac: b })).toBeUndefined()
    expect((await findMachine(database(), { mac: c }))?.macs).toEqual([a, c])
  })

  test('a MAC belongs to one machine, and a refused change leaves nothing behind', async () => {
    await saveMachine(database(), { mac: a }, {}, {}, 'tester')
    await expect(saveMachine(database(), { mac: b }, { macs: [a], hostname: 'n2' }, {}, 'tester')).rejects.toThrow(
      new ConflictError(`MAC ${a} already belongs to machine ${a}: bootwright machine set ${a} --remove-mac ${a}`),
    )
    expect(await searchMachines(database(), {}, creationOrder, 10)).toHaveLength(1)
  })

  test('machines that are saved at the same time with one MAC are one machine', async () => {
    const saved = await Promise.all(
      ['n1', 'n2', 'n3', 'n4'].map((hostname) => saveMachine(database(), { mac: a }, { hostname }, {}, 'tester')),
    )
    expect(new Set(saved.map((one) => one.machine.id)).size).toBe(1)
    expect(saved.filter((one) => one.created)).toHaveLength(1)
    expect(await searchMachines(database(), {}, creationOrder, 10)).toHaveLength(1)
  })

  test('an unknown id, an unknown image and no MAC are refused', async () => {
    const { machine } = await saveMachine(database(), { mac: a }, {}, {}, 'tester')
    await expect(saveMachine(database(), { id: nobody }, {}, {}, 'tester')).rejects.toThrow(NotFoundError)
    await expect(saveMachine(database(), { mac: a }, { assignment: { image: 'x' } }, {}, 'tester')).rejects.toThrow(
      InputError,
    )
    await expect(saveMachine(database(), { id: machine.id }, { macs: [] }, {}, 'tester')).rejects.toThrow(InputError)
    await expect(deleteMachine(database(), { id: nobody }, {}, 'tester')).rejects.toThrow(NotFoundError)
  })

  test('a discovered machine is recorded once with its facts, and replaces the machine seen longest ago', async () => {
    const facts = { mac: a, product: 'X1' }
    const first = await recordDiscovered(database(), facts, { max: 2, maxPerAddress: 2 })
    expect(first).toMatchObject({ discovered: true, macs: [a], facts, lastSeenAt: expect.any(Date) })
    expect((await recordDiscovered(database(), facts, { max: 2, maxPerAddress: 2 }))?.id).toBe(first?.id)
    expect(await recordDiscovered(database(), { mac: b }, { max: 2, maxPerAddress: 2 })).toBeDefined()
    expect(await recordDiscovered(database(), { mac: c }, { max: 2, maxPerAddress: 2 })).toBeDefined()
    expect(await findMachine(database(), { mac: a })).toBeUndefined()
    expect(await recordDiscovered(database(), { uuid }, { max: 2, maxPerAddress: 2 })).toBeUndefined()
    expect(await searchMachines(database(), { discovered: true }, creationOrder, 10)).toHaveLength(2)
  })

  test('one machine discovered many times at once is recorded once', async () => {
    const found = await Promise.all(
      Array.from({ length: 8 }, () => recordDiscovered(database(), { mac: a }, { max: 10, maxPerAddress: 10 })),
    )
    expect(new Set(found.map((one) => one?.id)).size).toBe(1)
    expect(await searchMachines(database(), {}, creationOrder, 10)).toHaveLength(1)
  })

  test('a discovered machine that an operator saves is entered, and keeps its facts', async () => {
    const found = await recordDiscovered(database(), { mac: a, product: 'X1' }, { max: 10, maxPerAddress: 10 })
    const { machine, created } = await saveMachine(database(), { mac: a }, { hostname: 'n1' }, {}, 'tester')
    expect([created, machine.id, machine.discovered, machine.facts.product]).toEqual([false, found?.id, false, 'X1'])
  })

  test('searches filter machines and continue after an id', async () => {
    await saveImage(database(), 'i', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
    const ids: string[] = []
    for (const mac of [a, b, c]) ids.push((await saveMachine(database(), { mac }, {}, {}, 'tester')).machine.id)
    await saveMachine(database(), { mac: b }, { assignment: { image: 'i' }, hostname: 'n2' }, {}, 'tester')
    const list = async (search: MachineSearch, limit: number, after?: string) => {
      const cursor = after === undefined ? undefined : { id: after, value: null }
      const found = await searchMachines(database(), search, creationOrder, limit, cursor)
      return found.map(({ id }) => ids.indexOf(id))
    }
    expect(await list({}, 10)).toEqual([0, 1, 2])
    expect(await list({}, 1, ids[0])).toEqual([1])
    expect(await list({ image: 'i' }, 10)).toEqual([1])
    expect(await list({ hostname: 'n2' }, 10)).toEqual([1])
    expect(await list({ discovered: true }, 10)).toEqual([])
  })
})
