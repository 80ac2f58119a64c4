import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { saveImage } from '../../../../src/inventory/images/images.ts'
import { bootAsIpxe } from '../../../helpers/boot-server.ts'
import { type Operator, startOperator } from '../../../helpers/operator.ts'

let operator: Operator
beforeAll(async () => {
  operator = await startOperator()
})
afterAll(() => operator?.stop())

const [a, b, c] = ['52:54:00:00:00:0a', '52:54:00:00:00:0b', '52:54:00:00:00:0c'] as const
const csv = `externalId,mac,hostname,label.rack\n1,${a},web1,b4\n2,${b},web2,b4\n`
const sync = (text: string, ...options: string[]) =>
  operator.runWith(text, 'machine', 'sync', '-', '--owner', 'cmdb', '--format', 'csv', ...options)
const shown = async (named: string) => JSON.parse((await operator.run('machine', 'show', named, '--json')).out)
const list = async (...options: string[]) =>
  (JSON.parse((await operator.run('machine', 'list', '--json', ...options)).out).items as { hostname: string }[]).map(
    ({ hostname }) => hostname,
  )

test('machine sync reads standard input, plans without a change, and then does what it planned', async () => {
  const plan = await sync(csv, '--dry-run')
  expect(plan.exitCode).toBe(0)
  expect(plan.err).toBe(
    'dry run, nothing changed; it would concern 2 machines:\n  2: nothing: there is no such machine -> the local disk\n',
  )
  expect(plan.out.trimEnd().split('\n')).toEqual([
    `row 2: web1 created: macs: ["${a}"]; hostname: "web1"; labels.rack: "b4"`,
    `row 3: web2 created: macs: ["${b}"]; hostname: "web2"; labels.rack: "b4"`,
    '2 rows: 2 created, 0 changed, 0 restored, 0 unchanged, 0 archived, 0 released, 0 bad, and nothing was changed',
  ])
  expect(await list()).toEqual([])
  expect((await sync(csv)).exitCode).toBe(0)
  const again = await sync(csv, '--json')
  expect(again.exitCode).toBe(0)
  expect(JSON.parse(again.out)).toMatchObject({ rows: 2, unchanged: 2, failed: 0, applied: false })
  expect(await list()).toEqual(['web1', 'web2'])
})

test('machine sync says how many machines boot something else, before and after', async () => {
  const menu = { title: 'Main', entries: [{ name: 'disk', text: 'Disk', kind: 'local' }] }
  expect(await operator.runWith(JSON.stringify(menu), 'menu', 'set', 'main', '-')).toMatchObject({ exitCode: 0 })
  await operator.run('group', 'set', 'b5', '--where', 'label.rack=b5', '--menu', 'main')
  const moved = csv.replace('web1,b4', 'web1,b5')
  const change = '1 machine:\n  1: the local disk -> menu main\n'
  expect((await sync(moved, '--dry-run')).err).toBe(`dry run, nothing changed; it would concern ${change}`)
  expect((await sync(moved)).err).toBe(`concerns ${change}`)
  // A name does not change what a machine boots.
  expect((await sync(moved.replace('web2', 'web3'))).err).toBe('concerns 0 machines\n')
  expect((await sync(csv)).err).toContain('  1: menu main -> the local disk\n')
  await operator.run('group', 'delete', 'b5')
})

test('machine sync exits with 1 for bad rows and for too many removals, and with 2 for wrong usage', async () => {
  const bad = await sync(`${csv}3,not-a-mac,web3,b4\n4,${c},not a name,b4\n`)
  expect(bad.exitCode).toBe(1)
  expect(bad.err).toMatch(
    /^row 4: mac: expected .*"not-a-mac"\nrow 5: hostname: expected .*\nbootwright: 2 bad rows: nothing/,
  )
  const json = await sync(`${csv}3,not-a-mac,web3,b4\n`, '--json')
  expect([json.exitCode, JSON.parse(json.out)]).toMatchObject([1, { failed: 1, applied: false }])
  const pruned = await sync('externalId\n', '--prune')
  expect([pruned.exitCode, pruned.err]).toEqual([
    1,
    expect.stringContaining('prune would remove 2 of 2 machines of cmdb'),
  ])
  expect((await operator.run('machine', 'sync', '-')).exitCode).toBe(2)
  expect((await sync(csv, '--prune-max', 'many')).exitCode).toBe(2)
  expect((await operator.run('machine', 'sync', join(operator.folder, 'absent.csv'), '--owner', 'cmdb')).exitCode).toBe(
    1,
  )
  expect(await list()).toEqual(['web1', 'web2'])
})

test('machine list finds the machines of an owner, and one by its id there', async () => {
  await operator.run('machine', 'set', c, '--hostname', 'hers')
  expect(await list('--owner', 'cmdb')).toEqual(['web1', 'web2'])
  expect(await list('--owner', 'cmdb', '--external-id', '2')).toEqual(['web2'])
  expect(await list('--external-id', '1')).toEqual(['web1'])
  expect(await list('--owner', 'dcim', '--external-id', '1')).toEqual([])
})

test('machine release gives a field back to its owner, which then replaces it', async () => {
  await operator.run('machine', 'set', a, '--label', 'rack=mine')
  const kept = await sync(csv)
  expect(kept.out).toContain('labels.rack kept: "mine", not "b4" (set by operator on')
  expect((await shown(a)).owners['labels.rack']).toMatchObject({ by: 'operator' })
  const released = await operator.run('machine', 'release', a, '--field', 'label.rack')
  expect([released.exitCode, released.out]).toEqual([0, expect.stringMatching(/set by cmdb +.*labels\.rack/)])
  expect((await shown(a)).labels.rack).toBe('mine')
  await sync(csv)
  expect((await shown(a)).labels.rack).toBe('b4')
  const unknown = await operator.run('machine', 'release', a, '--field', 'labels.rak')
  expect([unknown.exitCode, unknown.err]).toEqual([
    1,
    expect.stringMatching(/expected one of .*labels\.rack.*got "labels\.rak"/),
  ])
  const other = await operator.run('machine', 'release', a, '--field', 'hostname', '--to', 'dcim')
  expect(other.err).toMatch(/to: expected an owner that names the machine: cmdb, got "dcim"/)
  expect((await operator.run('machine', 'release', c, '--field', 'hostname')).err).toMatch(
    /No synchronization names it/,
  )
  expect((await operator.run('machine', 'release', a)).exitCode).toBe(2)
})

test('machine release ends what an owner has of a machine, and the values stay', async () => {
  expect((await operator.run('machine', 'release', b, '--from', 'cmdb')).exitCode).toBe(0)
  const machine = await shown(b)
  expect(machine).toMatchObject({ hostname: 'web2', labels: { rack: 'b4' }, macs: [b] })
  expect([machine.sources, machine.owners]).toEqual([undefined, undefined])
  const pruned = await sync(csv.replace(/2,.*\n/, ''), '--prune')
  expect(pruned.exitCode).toBe(0)
  expect(await list()).toContain('web2')
})

test('scripts during syncs are those of before or after, and an archived machine gets none at once', async () => {
  const { url, deps, addFile } = operator.boot
  const kernel = await addFile('vmlinuz', Buffer.from('a kernel'))
  const args = ['host={{ machine.hostname }}', 'rack={{ machine.labels.rack }}', 'state={{ params.state }}']
  await saveImage(
    deps.db,
    'linux',
    { variants: [{ arch: 'x86_64', kind: 'linux', kernel, initrds: [], args }] } as never,
    {},
    'tester',
  )
  const macOf = (n: number) => `52:54:00:00:01:${n.toString(16).padStart(2, '0')}`
  const numbers = Array.from({ length: 20 }, (_, n) => n)
  const file = join(operator.folder, 'boots.json')
  /** In each state, all machines have other values, and each pair exchanges its MACs. */
  const write = (state: number, count = numbers.length) =>
    writeFile(
      file,
      JSON.stringify(
        numbers.slice(0, count).map((n) => ({
          ...{ externalId: `b-${n}`, mac: macOf(state % 2 === 0 ? n : n ^ 1), hostname: `s${state}-${n}` },
          ...{ labels: { rack: `s${state}` }, assignment: { image: 'linux', params: { state: `s${state}` } } },
        })),
      ),
    )
  const run = (...options: string[]) => operator.run('machine', 'sync', file, '--owner', 'boots', ...options)
  const scriptOf = async (n: number) =>
    (await fetch(`${url}/ipxe?mac=${macOf(n)}&platform=efi&buildarch=x86_64`)).text()
  await write(0)
  expect((await run()).exitCode).toBe(0)
  let isOver = false
  const seen = new Set<string>()
  const machines = numbers.slice(0, 4).map(async (n) => {
    while (!isOver) {
      const [, host = '', place = '', rack, state] =
        /host=(s\d+)-(\d+) rack=(s\d+) state=(s\d+)/.exec(await scriptOf(n)) ?? []
      expect([host, host]).toEqual([rack, state])
      expect(Number(place)).toBe(Number(host.slice(1)) % 2 === 0 ? n : n ^ 1)
      seen.add(host)
    }
  })
  for (let state = 1; state <= 6; state++) {
    await write(state)
    expect((await run()).exitCode).toBe(0)
    expect(await scriptOf(5)).toContain(`rack=s${state} `)
  }
  isOver = true
  await Promise.all(machines)
  expect(seen.size).toBeGreaterThan(1)
  await write(6, 19)
  expect((await run('--prune', '--prune-max', '1')).exitCode).toBe(0)
  const script = await scriptOf(19)
  expect(script).not.toContain('host=')
  expect(await scriptOf(18)).toContain('host=s6-18 ')
})

test('expected machines that never come, or are others, are findings until they are right', async () => {
  const codes = async () => {
    const { items } = JSON.parse((await operator.run('findings', '--json')).out) as { items: { code: string }[] }
    return items.map(({ code }) => code).filter((code) => code.startsWith('BW-EXPECTED'))
  }
  const mac = '52:54:00:00:02:01'
  const row = `externalId,mac,serial,product,expectedBy\ne-1,${mac},S1,R740,2020-01-31\n`
  expect((await operator.runWith(row, 'machine', 'sync', '-', '--owner', 'orders', '--format', 'csv')).exitCode).toBe(0)
  expect(await codes()).toEqual(['BW-EXPECTED-MISSING'])
  const boot = async (serial: string, product: string) => {
    const query = new URLSearchParams({ mac, serial, product, platform: 'efi', buildarch: 'x86_64' })
    await bootAsIpxe(operator.boot, String(query))
  }
  await boot('S1', 'R750')
  expect(await codes()).toEqual(['BW-EXPECTED-OTHER'])
  await boot('S2', 'R740')
  const { out } = await operator.run('findings')
  expect(out).toContain('reports serial S2 instead of S1')
  expect(out).toContain(`bootwright machine set ${mac} --serial 'S2'`)
  await boot('S1', 'R740')
  expect(await codes()).toEqual([])
})
