import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { archiveMachine, restoreMachine } from '../../../src/inventory/machines/archive/archive.ts'
import { listFindings } from '../../../src/inventory/machines/identity/findings.ts'
import { findMachine, saveMachine } from '../../../src/inventory/machines/machines.ts'
import { savePolicy } from '../../../src/inventory/machines/policy.ts'
import { syncMachines } from '../../../src/inventory/machines/sync/sync.ts'
import { decideFor, openBootFor } from '../../helpers/boots.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { recordDiscovered } from '../../helpers/discovered.ts'

const [a, b, c] = ['52:54:00:00:00:0a', '52:54:00:00:00:0b', '52:54:00:00:00:0c'] as const
const how = {
  owner: 'cmdb',
  prune: false,
  takeOver: false,
  pruneMax: { percent: 5 },
  dryRun: false,
}

eachDatabase('machines that arrive', (database) => {
  const discover = (facts: { mac: string; serial?: string; product?: string }) =>
    recordDiscovered(database(), facts, { max: 10, maxPerAddress: 10 })
  const codes = async () => (await listFindings(database())).map(({ code, what }) => [code, what])

  test('another model or serial than expected is a finding, but not another spelling', async () => {
    await saveMachine(database(), { mac: a }, { serial: 'S1', product: 'PowerEdge R740' }, {}, 'ann')
    await database().execute(
      sql`update machines set facts = '{"serial": "s1", "product": "poweredge  R740"}', last_seen_at = now()`,
    )
    expect(await codes()).toEqual([])
    await database().execute(sql`update machines set facts = '{"serial": "S2", "product": "PowerEdge R750"}'`)
    expect(await codes()).toEqual([
      [
        'BW-EXPECTED-OTHER',
        `${a} reports product PowerEdge R750 instead of PowerEdge R740 and serial S2 instead of S1`,
      ],
    ])
  })

  test('a serial that arrives with another model is a finding', async () => {
    await saveMachine(database(), { mac: c }, { serial: 'S9', product: 'X1', macs: [c] }, {}, 'ann')
    await discover({ mac: b, serial: 's9', product: 'X2' })
    expect(await codes()).toContainEqual([
      'BW-EXPECTED-OTHER',
      `${b}, which has the serial of ${c}, reports product X2 instead of X1`,
    ])
  })

  test('a machine that did not arrive by its day is a finding until it boots', async () => {
    await syncMachines(
      database(),
      [
        { line: 1, externalId: 's-1', change: { expectedBy: '2020-01-31' } },
        { line: 2, externalId: 's-2', change: { expectedBy: '2199-01-31' } },
      ],
      how,
      'tester',
    )
    expect(await codes()).toEqual([
      ['BW-EXPECTED-MISSING', 's-1 was expected by 2020-01-31, and never asked for a script'],
    ])
    await database().execute(sql`update machines set last_seen_at = now()`)
    expect(await codes()).toEqual([])
  })

  test('a day has passed only when it ended in every time zone', async () => {
    const isMissing = async (hoursAgo: number) => {
      const day = new Date(Date.now() - hoursAgo * 3_600_000).toISOString().slice(0, 10)
      await saveMachine(database(), { mac: a }, { expectedBy: day }, {}, 'ann')
      return (await codes()).length === 1
    }
    const passedHours = (Date.now() % 86_400_000) / 3_600_000
    expect(await isMissing(0)).toBe(false)
    // Yesterday ends at noon, UTC.
    expect(await isMissing(24)).toBe(passedHours >= 12)
    expect(await isMissing(48)).toBe(true)
  })

  test('a machine that no inventory names is a finding once an inventory synchronizes', async () => {
    await discover({ mac: b })
    expect(await codes()).toEqual([])
    await syncMachines(database(), [{ line: 1, externalId: 's-1', change: { macs: [a] } }], how, 'tester')
    expect(await codes()).toEqual([['BW-UNEXPECTED', `1 machine arrived that no inventory names: ${b}`]])
  })

  test('an archived machine that boots is a finding, and is never installed', async () => {
    const file = { sha256: 'a'.repeat(64), name: 'vmlinuz' }
    const variants = [{ kind: 'linux', arch: 'x86_64', kernel: file, initrds: [], args: [] }]
    await database().execute(sql`
      insert into images (name, title, current_version) values ('setup', '', 1)`)
    await database().execute(sql`
      insert into image_versions (image, version, variants, installer)
      values ('setup', 1, ${JSON.stringify(variants)}::jsonb, true)`)
    await savePolicy(database(), { kind: 'image', image: 'setup', everyBoot: true } as never, 'tester')
    const { machine } = await saveMachine(database(), { mac: a }, { hostname: 'n1' }, {}, 'ann')
    await archiveMachine(database(), { mac: a }, 'ann')
    const facts = { mac: a, platform: 'efi', buildarch: 'x86_64' } as const
    const other = { ...facts, mac: b }
    expect((await decideFor(database(), other)).spec).not.toMatchObject({ kind: 'refusal' })
    expect(await decideFor(database(), facts)).toMatchObject({
      doubt: `machine n1 had MAC ${a} and was archived`,
      spec: { kind: 'refusal', nextStep: expect.stringContaining(`machine restore ${machine.id}`) },
    })
    await discover({ mac: a })
    await openBootFor(database(), facts, '10.0.0.9')
    expect((await decideFor(database(), facts)).spec).toMatchObject({ kind: 'refusal' })
    expect(await codes()).toEqual([['BW-ARCHIVED-BOOTS', `${a} asked for a script, but its machine n1 is archived`]])
    await restoreMachine(database(), machine.id, 'ann')
    expect(await codes()).toEqual([])
    expect((await decideFor(database(), facts)).spec).not.toMatchObject({ kind: 'refusal' })
    expect(await findMachine(database(), { mac: a })).toMatchObject({ id: machine.id })
  })
})
