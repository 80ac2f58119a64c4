import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'
import type { Db } from '../../../src/db/open.ts'
import { listBoots } from '../../../src/inventory/boots/boots.ts'
import { armDeployment } from '../../../src/inventory/boots/deployments.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { archiveMachine, restoreMachine } from '../../../src/inventory/machines/archive/archive.ts'
import { deleteOldArchived, findArchived } from '../../../src/inventory/machines/archive/archived.ts'
import type { MachineChange } from '../../../src/inventory/machines/fields.ts'
import { creationOrder, searchMachines } from '../../../src/inventory/machines/list.ts'
import { findMachine, saveMachine } from '../../../src/inventory/machines/machines.ts'
import type { SyncRow } from '../../../src/inventory/machines/sync/row.ts'
import { type SyncHow, syncMachines } from '../../../src/inventory/machines/sync/sync.ts'
import { ConflictError, InputError } from '../../../src/lib/errors.ts'
import { swapUuid } from '../../../src/lib/ids/uuid.ts'
import { openBootFor } from '../../helpers/boots.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { recordDiscovered } from '../../helpers/discovered.ts'

const mac = (n: number) =>
  `52:54:00:00:${String(Math.floor(n / 100)).padStart(2, '0')}:${String(n % 100).padStart(2, '0')}`
const [a, b, c] = [mac(1), mac(2), mac(3)] as const
const uuid = '4c4c4544-0042-3510-8054-b7c04f4e3332'

type Given = { id?: string; ext?: string } & MachineChange
const rowsOf = (given: Given[]): SyncRow[] =>
  given.map(({ id, ext, ...change }, index) => ({ line: index + 1, id, externalId: ext, change }))
const sync = (db: Db, given: Given[], how: Partial<SyncHow> = {}) =>
  syncMachines(
    db,
    rowsOf(given),
    { owner: 'cmdb', prune: false, takeOver: false, pruneMax: { percent: 5 }, dryRun: false, ...how },
    'tester',
  )
const outcomes = ({ plan }: Awaited<ReturnType<typeof sync>>) => plan.rows.map(({ outcome }) => outcome)
const prune = { prune: true, pruneMax: { percent: 100 } }
const all = (db: Db) => searchMachines(db, {}, creationOrder, 1000)

eachDatabase('the synchronization of machines', (database) => {
  test('creates machines with their outside ids, and repeating it changes nothing', async () => {
    const rows = [{ ext: 's-1', macs: [a], hostname: 'n1', labels: { rack: 'b4' } }, { ext: 's-2' }]
    const plan = await sync(database(), rows, { dryRun: true })
    expect([outcomes(plan), plan.applied, await all(database())]).toEqual([['created', 'created'], false, []])
    const done = await sync(database(), rows, { expect: plan.digest })
    expect(done.applied).toBe(true)
    expect(await findMachine(database(), { mac: a })).toMatchObject({
      hostname: 'n1',
      owners: { hostname: 'cmdb', 'labels.rack': 'cmdb', [`macs.${a}`]: 'cmdb', machine: 'cmdb' },
      sources: [{ owner: 'cmdb', externalId: 's-1' }],
    })
    const before = await all(database())
    expect(outcomes(await sync(database(), [...rows].reverse()))).toEqual(['unchanged', 'unchanged'])
    expect(await all(database())).toEqual(before)
  })

  test('refuses a plan that is no longer the one that was shown', async () => {
    const { digest } = await sync(database(), [{ ext: 's-1', macs: [a] }], { dryRun: true })
    await saveMachine(database(), { mac: a }, {}, {}, 'ann')
    await expect(sync(database(), [{ ext: 's-1', macs: [a] }], { expect: digest })).rejects.toThrow(ConflictError)
    expect((await findMachine(database(), { mac: a }))?.sources).toBeUndefined()
  })

  test('keeps what people and other owners set, and says who', async () => {
    await sync(database(), [{ ext: '1', macs: [a], hostname: 'n1', asset: 'x', labels: { rack: 'b4', row: '7' } }])
    await sync(database(), [{ ext: '9', macs: [a], labels: { rack: 'z', role: 'db' } }], { owner: 'dcim' })
    await saveMachine(database(), { mac: a }, { hostname: 'mine', labels: { free: 'yes' } }, {}, 'ann')
    const again = await sync(database(), [
      { ext: '1', macs: [a], hostname: 'n2', asset: 'y', labels: { rack: 'b5', role: 'web' } },
    ])
    expect(again.plan.rows[0]?.kept).toEqual([
      { field: 'hostname', value: 'mine', given: 'n2', by: 'ann', at: expect.stringMatching(/^20/), isPerson: true },
      { field: 'labels.role', value: 'db', given: 'web', by: 'dcim', isPerson: false },
    ])
    expect(await findMachine(database(), { mac: a })).toMatchObject({
      hostname: 'mine',
      asset: 'y',
      labels: { rack: 'b5', row: '7', role: 'db', free: 'yes' },
      sources: [
        { owner: 'cmdb', externalId: '1' },
        { owner: 'dcim', externalId: '9' },
      ],
    })
  })

  test('leaves an inventory that people entered as it is, until it may take over', async () => {
    await saveMachine(database(), { mac: a }, { hostname: 'old', labels: { rack: 'a1' } }, {}, 'ann')
    const rows = [{ ext: '1', macs: [a], hostname: 'new', labels: { rack: 'a1' } }]
    const first = await sync(database(), rows)
    expect(first.plan.rows[0]?.kept).toMatchObject([{ field: 'hostname', by: 'a person' }])
    expect(await findMachine(database(), { mac: a })).toMatchObject({ hostname: 'old' })
    await sync(database(), rows, { takeOver: true })
    expect(await findMachine(database(), { mac: a })).toMatchObject({ hostname: 'new', owners: { machine: 'cmdb' } })
    await sync(database(), [{ ext: '1', macs: [a], hostname: 'newer', labels: { rack: 'a2' } }])
    expect(await findMachine(database(), { mac: a })).toMatchObject({ hostname: 'newer', labels: { rack: 'a2' } })
  })

  test('a choice of what to boot is one field, and params are fields of their own', async () => {
    await saveImage(database(), 'debian', { variants: [{ arch: 'x86_64', kind: 'local' }] } as never, {}, 'tester')
    await sync(database(), [{ ext: '1', macs: [a], assignment: { image: 'debian', params: { disk: 'vda', n: 1 } } }])
    await saveMachine(database(), { mac: a }, { assignment: { local: true, params: { n: 2 } } }, {}, 'ann')
    const { plan } = await sync(database(), [
      { ext: '1', macs: [a], assignment: { image: 'debian', params: { disk: 'sda', n: 3 } } },
    ])
    expect(plan.rows[0]?.kept.map(({ field }) => field).sort()).toEqual(['assignment.choice', 'assignment.params.n'])
    expect((await findMachine(database(), { mac: a }))?.assignment).toEqual({
      local: true,
      params: { disk: 'sda', n: 2 },
    })
  })

  test('clears what a row no longer has only with prune, and clears null at once', async () => {
    await sync(database(), [{ ext: '1', macs: [a], hostname: 'n1', asset: 'x', labels: { rack: 'b4' } }])
    await saveMachine(database(), { mac: a }, { serial: 'hers' }, {}, 'ann')
    await sync(database(), [{ ext: '1', macs: [a], asset: null }])
    expect(await findMachine(database(), { mac: a })).toMatchObject({ hostname: 'n1', labels: { rack: 'b4' } })
    expect(await findMachine(database(), { mac: a })).not.toHaveProperty('asset')
    const { plan } = await sync(database(), [{ ext: '1', macs: [a] }], prune)
    expect(plan.rows[0]?.dropped.sort()).toEqual(['hostname', 'labels.rack'])
    expect(await findMachine(database(), { mac: a })).toMatchObject({ labels: {}, serial: 'hers' })
    expect(await findMachine(database(), { mac: a })).not.toHaveProperty('hostname')
  })

  test('exchanges the MACs of two machines, and moves one from a machine without a row', async () => {
    await sync(database(), [
      { ext: '1', macs: [a], hostname: 'n1' },
      { ext: '2', macs: [b], hostname: 'n2' },
      { ext: '3', macs: [c], hostname: 'n3', serial: 'S3' },
    ])
    const swap = [
      { ext: '1', macs: [b] },
      { ext: '2', macs: [a] },
    ]
    expect(outcomes(await sync(database(), swap))).toEqual(['changed', 'changed'])
    expect((await findMachine(database(), { mac: a }))?.hostname).toBe('n2')
    expect((await findMachine(database(), { mac: b }))?.hostname).toBe('n1')
    await sync(database(), [{ ext: '4', macs: [mac(4), c], hostname: 'n4', serial: 'S4' }])
    expect((await findMachine(database(), { mac: c }))?.hostname).toBe('n4')
    expect(await findMachine(database(), { hostname: 'n3' })).toMatchObject({ macs: [] })
  })

  test('does not take a MAC that a person gave to another machine', async () => {
    await sync(database(), [
      { ext: '1', macs: [a] },
      { ext: '2', macs: [b] },
    ])
    const { id = '' } = (await findMachine(database(), { mac: a })) ?? {}
    await saveMachine(database(), { id }, { macs: [mac(9)] }, {}, 'ann')
    await saveMachine(database(), { mac: b }, { macs: [b, a] }, {}, 'ann')
    const { plan } = await sync(database(), [
      { ext: '1', macs: [a] },
      { ext: '2', macs: [b] },
    ])
    expect(plan.rows[0]?.kept).toMatchObject([{ field: `macs.${a}`, by: 'ann', isPerson: true }])
    expect((await findMachine(database(), { mac: b }))?.macs).toEqual([a, b])
    expect((await findMachine(database(), { mac: mac(9) }))?.sources?.[0]?.externalId).toBe('1')
  })

  test('a new outside id renames the machine with the MAC, unless its board is another', async () => {
    await sync(database(), [{ ext: '1', macs: [a], hostname: 'n1', serial: 'S1' }])
    const { id } = (await findMachine(database(), { mac: a })) ?? {}
    await sync(database(), [{ ext: 'new', macs: [a], hostname: 'n1', serial: 'S1' }], prune)
    expect(await findMachine(database(), { mac: a })).toMatchObject({ id, sources: [{ externalId: 'new' }] })
    await sync(database(), [{ ext: 'third', macs: [a], hostname: 'n3', serial: 'S3' }])
    expect((await findMachine(database(), { mac: a }))?.id).not.toBe(id)
    expect(await findMachine(database(), { hostname: 'n1' })).toMatchObject({ id, macs: [] })
  })

  test('names every bad row with its field, and changes nothing', async () => {
    const { plan, applied } = await sync(database(), [
      { ext: '1', macs: [a], hostname: 'n1' },
      { ext: '1', macs: [b] },
      { ext: '3', macs: [a] },
      { hostname: 'nobody' },
      { ext: '5', macs: [c], assignment: { image: 'missing' } },
    ])
    expect(applied).toBe(false)
    expect(plan.bad).toEqual([
      { line: 2, faults: [expect.objectContaining({ field: 'externalId', value: '1' })] },
      {
        line: 3,
        faults: [expect.objectContaining({ field: 'macs', value: a, expected: expect.stringContaining('line 1') })],
      },
      { line: 4, faults: [expect.objectContaining({ field: 'externalId' })] },
      { line: 5, faults: [expect.objectContaining({ field: 'assignment.image', value: 'missing' })] },
    ])
    expect(await all(database())).toEqual([])
  })

  test('a machine with an active deployment keeps its identity, and is not removed', async () => {
    await saveImage(database(), 'debian', { variants: [{ arch: 'x86_64', kind: 'local' }] } as never, {}, 'tester')
    await sync(database(), [
      { ext: '1', macs: [a] },
      { ext: '2', macs: [b] },
    ])
    const { id = '' } = (await findMachine(database(), { mac: a })) ?? {}
    await armDeployment(
      database(),
      id,
      { image: 'debian', assignment: {}, maxAttempts: 3, windowSeconds: 60 } as never,
      false,
      'ann',
    )
    const swap = [
      { ext: '1', macs: [b], hostname: 'x' },
      { ext: '2', macs: [a] },
    ]
    expect((await sync(database(), swap)).plan.bad).toMatchObject([
      { line: 1, faults: [{ field: 'macs', expected: expect.stringContaining('active deployment') }] },
    ])
    const { plan } = await sync(database(), [{ ext: '2', macs: [b] }], prune)
    expect(plan.removals).toMatchObject([{ outcome: 'kept', machine: { id } }])
    expect(await findMachine(database(), { id })).toBeDefined()
  })

  test('takes over the discovered machines of its MACs, with their boots', async () => {
    const seen = await recordDiscovered(database(), { mac: a }, { max: 10, maxPerAddress: 10 })
    await openBootFor(database(), { mac: a }, '10.0.0.9')
    expect(outcomes(await sync(database(), [{ ext: '1', macs: [a], hostname: 'n1' }]))).toEqual(['created'])
    expect(await findMachine(database(), { mac: a })).toMatchObject({ id: seen?.id, discovered: false, hostname: 'n1' })
    expect(await listBoots(database(), { machineId: seen?.id as string }, 10)).toHaveLength(1)
  })

  test('the same UUID in the other byte order is not a change', async () => {
    await sync(database(), [{ ext: '1', macs: [a], uuid }])
    expect(outcomes(await sync(database(), [{ ext: '1', macs: [a], uuid: swapUuid(uuid) }]))).toEqual(['unchanged'])
  })

  test('refuses more removals than the limit, with the numbers', async () => {
    const rows = Array.from({ length: 60 }, (_, n) => ({ ext: `${n}`, macs: [mac(n)], hostname: `n${n}` }))
    await sync(database(), rows)
    const third = rows.slice(20)
    const { refusal } = await sync(database(), third, { prune: true, dryRun: true })
    expect(refusal).toMatch(/^prune would remove 20 of 60 machines of cmdb \(33\.3%\); at most 3 \(5%\) are permitted/)
    await expect(sync(database(), third, { prune: true })).rejects.toThrow(/20 of 60/)
    await expect(sync(database(), [], { prune: true, pruneMax: { count: 59 } })).rejects.toThrow(/60 of 60/)
    const bare = rows.map(({ hostname: _, ...row }) => row)
    await expect(sync(database(), bare, { prune: true })).rejects.toThrow(/clear fields of 60 of 60/)
    expect(await all(database())).toHaveLength(60)
    const done = await sync(database(), third, { prune: true, pruneMax: { count: 20 } })
    expect(done.plan.removals.map(({ outcome }) => outcome)).toEqual(Array(20).fill('archived'))
    expect(await all(database())).toHaveLength(40)
  })

  test('releases a machine that another owner or a person has, and archives it after the last owner', async () => {
    await sync(database(), [{ ext: '1', macs: [a], hostname: 'n1', labels: { rack: 'b4' } }])
    await sync(database(), [{ ext: '9', macs: [a], labels: { role: 'db' } }], { owner: 'dcim' })
    await saveMachine(database(), { mac: b }, { asset: 'hers' }, {}, 'ann')
    await sync(database(), [
      { ext: '1', macs: [a] },
      { ext: '2', macs: [b], hostname: 'n2' },
    ])
    const first = await sync(database(), [], prune)
    expect(first.plan.removals.map(({ outcome }) => outcome)).toEqual(['released', 'released'])
    expect(await findMachine(database(), { mac: a })).toMatchObject({
      labels: { role: 'db' },
      owners: { machine: 'dcim' },
    })
    expect(await findMachine(database(), { mac: a })).not.toHaveProperty('hostname')
    expect(await findMachine(database(), { mac: b })).toMatchObject({ asset: 'hers' })
    expect(await findMachine(database(), { mac: b })).not.toHaveProperty('sources')
    await sync(database(), [], { ...prune, owner: 'dcim' })
    expect((await all(database())).map(({ macs }) => macs)).toEqual([[b]])
  })

  test('the MACs of a released machine pass to the next owner, which may change them', async () => {
    await sync(database(), [{ ext: '1', macs: [a] }])
    await sync(database(), [{ ext: '9', macs: [a] }], { owner: 'dcim' })
    await sync(database(), [], prune)
    expect(await findMachine(database(), { mac: a })).toMatchObject({
      owners: { machine: 'dcim', [`macs.${a}`]: 'dcim' },
    })
    await sync(database(), [{ ext: '9', macs: [b] }], { owner: 'dcim' })
    expect((await all(database())).map(({ macs }) => macs)).toEqual([[b]])
  })

  test('a machine that another owner restores has no fields and no id of the owner that archived it', async () => {
    await sync(database(), [{ ext: '1', macs: [a], hostname: 'n1', labels: { rack: 'b4' } }])
    await saveMachine(database(), { mac: a }, { asset: 'hers', macs: [a, b] }, {}, 'ann')
    await sync(database(), [], prune)
    const { plan } = await sync(database(), [{ ext: '9', macs: [a, b], labels: { role: 'db' } }], { owner: 'dcim' })
    expect(plan.rows).toMatchObject([{ outcome: 'restored', kept: [] }])
    expect(await findMachine(database(), { mac: a })).toMatchObject({
      ...{ asset: 'hers', labels: { role: 'db' }, macs: [a, b] },
      sources: [{ owner: 'dcim', externalId: '9' }],
      owners: { machine: 'dcim', [`macs.${a}`]: 'dcim', [`macs.${b}`]: { by: 'ann' } },
    })
    expect(await findMachine(database(), { mac: a })).not.toHaveProperty('hostname')
  })

  test('an archived machine comes back by its id, although it booted or lost a MAC meanwhile', async () => {
    await sync(database(), [
      { ext: '1', macs: [a, b] },
      { ext: '2', macs: [c] },
    ])
    await sync(database(), [{ ext: '2', macs: [c] }], prune)
    const seen = await recordDiscovered(database(), { mac: a }, { max: 10, maxPerAddress: 10 })
    await saveMachine(database(), { mac: b }, { hostname: 'other' }, {}, 'ann')
    expect(outcomes(await sync(database(), [{ ext: '1', asset: 'x' }]))).toEqual(['restored'])
    expect(await findMachine(database(), { mac: a })).toMatchObject({ asset: 'x', macs: [a] })
    expect(await findMachine(database(), { id: seen?.id as string })).toBeUndefined()
    expect(await findMachine(database(), { mac: b })).toMatchObject({ hostname: 'other' })
  })

  test('a person restores a machine without the MACs that another machine has, and without their owners', async () => {
    await sync(database(), [{ ext: '1', macs: [a, b] }])
    const { id = '' } = (await findMachine(database(), { mac: a })) ?? {}
    await sync(database(), [], prune)
    await saveMachine(database(), { mac: a }, { hostname: 'other' }, {}, 'ann')
    const restored = await restoreMachine(database(), id, 'ann')
    expect(restored.macs).toEqual([b])
    expect(Object.keys(restored.owners ?? {}).sort()).toEqual(['machine', `macs.${b}`])
  })

  test('an archived machine comes back with its values, secrets, deployments and boots', async () => {
    await sync(database(), [{ ext: '1', macs: [a], hostname: 'n1', labels: { rack: 'b4' } }])
    const { id = '' } = (await findMachine(database(), { mac: a })) ?? {}
    await openBootFor(database(), { mac: a }, '10.0.0.9')
    await database().execute(sql`
      insert into secrets (owner_kind, owner, name, sealed) values ('machine', ${id}, 'other', 'x') on conflict do nothing`)
    await database().execute(sql`
      insert into deployments (id, machine_id, image, assignment, state, max_attempts, window_seconds, armed_by)
      values (gen_random_uuid(), ${id}::uuid, 'debian', '{}', 'installed', 3, 60, 'ann')`)
    await sync(database(), [], prune)
    expect(await findArchived(database(), sql`true`, 10)).toMatchObject([
      { id, name: 'n1', macs: [a], archivedBy: 'tester', reason: expect.stringContaining('cmdb') },
    ])
    const other = await recordDiscovered(database(), { mac: a }, { max: 10, maxPerAddress: 10 })
    expect(other?.id).not.toBe(id)
    expect(outcomes(await sync(database(), [{ ext: '1', macs: [a], hostname: 'n2' }]))).toEqual(['restored'])
    expect(await findMachine(database(), { mac: a })).toMatchObject({ id, hostname: 'n2', labels: { rack: 'b4' } })
    expect(await all(database())).toHaveLength(1)
    expect(await listBoots(database(), { machineId: id }, 10)).toHaveLength(1)
    const kept = await database().execute(sql`
      select (select count(*)::int from secrets where owner = ${id}) as secrets, (select count(*)::int from deployments where machine_id = ${id}::uuid) as deployments`)
    expect(JSON.stringify(kept)).toMatch(/"secrets":1.*"deployments":1/)
  })

  test('a machine that a person archived stays archived, and one that a person restored stays', async () => {
    await sync(database(), [{ ext: '1', macs: [a], hostname: 'n1' }])
    const { id = '' } = (await findMachine(database(), { mac: a })) ?? {}
    await archiveMachine(database(), { mac: a }, 'ann')
    const { plan } = await sync(database(), [{ ext: '1', macs: [a], hostname: 'n2' }])
    expect(plan.rows).toMatchObject([{ outcome: 'unchanged', kept: [{ field: 'machine', by: 'ann', isPerson: true }] }])
    expect(await all(database())).toEqual([])
    expect(await restoreMachine(database(), id, 'ann')).toMatchObject({ id, macs: [a], hostname: 'n1' })
    const gone = await sync(database(), [], prune)
    expect(gone.plan.removals).toMatchObject([{ outcome: 'released' }])
    expect(await findMachine(database(), { id })).toMatchObject({ macs: [a] })
  })

  test('archived machines are deleted after their time', async () => {
    await sync(database(), [{ ext: '1', macs: [a] }])
    await sync(database(), [], prune)
    expect(await deleteOldArchived(database(), 1, 100, 'tester')).toBe(0)
    await database().execute(sql`update archived_machines set archived_at = now() - interval '2 days'`)
    expect(await deleteOldArchived(database(), 1, 100, 'tester')).toBe(1)
    expect(outcomes(await sync(database(), [{ ext: '1', macs: [a] }]))).toEqual(['created'])
  })

  test('two synchronizations of one owner at once end as one after the other, or the second is refused', async () => {
    const rows = (host: string) => Array.from({ length: 50 }, (_, n) => ({ ext: `${n}`, macs: [mac(n)], asset: host }))
    const done = await Promise.allSettled([sync(database(), rows('x')), sync(database(), rows('y'))])
    for (const one of done)
      if (one.status === 'rejected') expect(String(one.reason)).toMatch(/another sync of owner cmdb is running/)
    const assets = new Set((await all(database())).map(({ asset }) => asset))
    expect([assets.size, (await all(database())).length]).toEqual([1, 50])
  })

  test('two owners at once lose nothing', async () => {
    const base = Array.from({ length: 50 }, (_, n) => ({ ext: `${n}`, macs: [mac(n)] }))
    await sync(database(), base)
    await Promise.all([
      sync(
        database(),
        base.map((row) => ({ ...row, labels: { x: '1' } })),
      ),
      sync(
        database(),
        base.map((row) => ({ ...row, labels: { y: '1' } })),
        { owner: 'dcim' },
      ),
    ])
    for (const machine of await all(database())) expect(machine.labels).toEqual({ x: '1', y: '1' })
  })

  test('refuses too many rows', async () => {
    const rows = Array.from({ length: 50_001 }, (_, n) => ({ ext: `${n}` }))
    await expect(sync(database(), rows)).rejects.toThrow(InputError)
  })
})
