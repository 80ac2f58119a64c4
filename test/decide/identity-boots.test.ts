import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { listBoots } from '../../src/inventory/boots/boots.ts'
import { armDeployment, findDeployment } from '../../src/inventory/boots/deployments.ts'
import { saveImage } from '../../src/inventory/images/images.ts'
import type { MachineChange } from '../../src/inventory/machines/fields.ts'
import { deleteGroup, saveGroup } from '../../src/inventory/machines/groups.ts'
import { listFindings } from '../../src/inventory/machines/identity/findings.ts'
import { creationOrder, searchMachines } from '../../src/inventory/machines/list.ts'
import { findMachine, newMachine, saveMachine } from '../../src/inventory/machines/machines.ts'
import { saveMenu } from '../../src/inventory/machines/menus.ts'
import { savePolicy } from '../../src/inventory/machines/policy.ts'
import type { Mac } from '../../src/lib/ids/mac.ts'
import { swapUuid } from '../../src/lib/ids/uuid.ts'
import type { Facts } from '../../src/model/facts.ts'
import {
  bootAsIpxe,
  getAsIpxe,
  nextStepOf,
  startTestBootServer,
  type TestBootServer,
  unwrapped,
} from '../helpers/boot-server.ts'

let server: TestBootServer
beforeAll(async () => {
  server = await startTestBootServer({ maxDiscovered: 10_000, maxDiscoveredPerAddress: 10_000 })
  const kernel = await server.addFile('vmlinuz', Buffer.from('kernel'))
  const variant = { arch: 'x86_64' as const, kind: 'linux' as const, kernel, initrds: [], args: ['a={{ boot.url }}'] }
  await saveImage(server.deps.db, 'setup', { variants: [variant], installer: true }, {}, 'tester')
  await saveImage(server.deps.db, 'live', { variants: [variant] }, {}, 'tester')
}, 120_000)
afterAll(() => server.stop())

let serial = 0x30
/** Values that no other test uses. */
function values() {
  serial += 1
  const byte = serial.toString(16)
  const mac = (n: number) => `52:54:00:${byte}:7a:0${n}`
  const uuid = (n: number) => `3739303${n}-3735-4d32-32${byte}-33353031385${n}`
  return { macs: [mac(1), mac(2), mac(3)] as const, uuids: [uuid(1), uuid(2)] as const, name: `n${byte}` }
}

const ask = async (facts: Partial<Record<keyof Facts, string>>) => {
  const query = `${new URLSearchParams({ platform: 'efi', buildarch: 'x86_64', ...facts })}`.replaceAll('+', '%20')
  return unwrapped(await getAsIpxe(`${server.url}/ipxe?${query}`))
}

async function armed(key: Parameters<typeof saveMachine>[1], change: MachineChange) {
  const { machine } = await saveMachine(server.deps.db, key, change, {}, 'tester')
  const order = { image: 'setup', assignment: {}, maxAttempts: 3, windowSeconds: 3600 }
  return { machine, deployment: await armDeployment(server.deps.db, machine.id, order, false, 'tester') }
}

describe('an installer is served only to its machine', { timeout: 120_000 }, () => {
  test('and not to another board with the same UUID, which shows the reason and the commands', async () => {
    const { macs, uuids, name } = values()
    await armed({ mac: macs[0] }, { uuid: uuids[0], hostname: name, assignment: { image: 'live' } })
    const script = await ask({ mac: macs[1], uuid: uuids[0] })
    expect(script).not.toContain('installs setup')
    expect(script).toContain(`echo Bootwright: ${name} boots live version 1`)
    expect(script).toContain(`echo Bootwright: this may not be ${name}: only its UUID ${uuids[0]} matches`)
    expect(script).toContain(
      'echo Bootwright: the installation of setup does not start, because it is uncertain which machine',
    )
    expect(script).toContain(`bootwright machine set ${macs[0]} --add-mac ${macs[1]}`)
    expect(script).toContain(`bootwright machine set ${macs[0]} --clear-uuid`)
    expect(await ask({ mac: macs[0], uuid: uuids[0] })).toContain(`${name} installs setup`)
    // The operator settles it: both are the same machine.
    await saveMachine(server.deps.db, { mac: macs[0] }, { macs: [macs[0], macs[1]] }, {}, 'tester')
    expect(await ask({ mac: macs[1], uuid: uuids[0] })).toContain(`${name} installs setup`)
  })

  test('and not to another computer that got its USB adapter', async () => {
    const { macs, uuids, name } = values()
    await armed({ mac: macs[0] }, { uuid: uuids[0], hostname: name })
    const script = await ask({ mac: macs[0], uuid: uuids[1] })
    expect(script).toContain(`${name} boots from its local disk`)
    expect(script).toContain(`this may not be ${name}: its MAC matches, but UUID ${uuids[0]} was entered`)
    const machine = await findMachine(server.deps.db, { mac: macs[0] })
    expect([machine?.facts, machine?.lastSeenAt]).toEqual([{}, expect.any(Date)])
    await saveMachine(server.deps.db, { mac: macs[0] }, { uuid: null }, {}, 'tester')
    expect(await ask({ mac: macs[0], uuid: uuids[1] })).toContain(`${name} installs setup`)
  })

  test('and not to a board that reports the values of a discovered board', async () => {
    const { macs, name } = values()
    const boardFacts = { serial: '12345679', product: 'Mini-PC' }
    for (const mac of macs.slice(0, 2)) await ask({ mac, ...boardFacts })
    await armed({ mac: macs[0] }, { hostname: name })
    expect(await ask({ mac: macs[1], ...boardFacts })).not.toContain('installs')
    expect(await ask({ mac: macs[0], ...boardFacts })).toContain(`${name} installs setup`)
  })

  test('if that is entered only by its UUID, until a second board reports the UUID', async () => {
    const { macs, uuids, name } = values()
    const { deployment } = await armed(newMachine, { uuid: uuids[0], hostname: name })
    expect(await ask({ mac: macs[0], uuid: uuids[0] })).toContain(`${name} installs setup`)
    expect(
      await ask({ mac: '80-00-02-08-fe-80-00-00-00-00-00-00-00-02-c9-03-00-11-22-33', uuid: uuids[0] }),
    ).not.toContain('installs')
    for (const mac of [macs[1], macs[0]]) {
      const script = await ask({ mac, uuid: uuids[0] })
      expect(script).not.toContain('installs')
      expect(script).toMatch(/was entered for n\w+, but .* ha(s|ve) it too, so it identifies no machine/)
    }
    const found = (await listFindings(server.deps.db)).filter(({ machines }) => machines[0]?.name === name)
    expect(found).toMatchObject([{ code: 'BW-IDENTITY-SHARED', what: expect.stringContaining(macs[1]) }])
    await saveMachine(server.deps.db, { id: deployment.machineId }, { macs: [macs[1]] }, {}, 'tester')
    expect(await ask({ mac: macs[1], uuid: uuids[0] })).toContain(`${name} installs setup`)
    expect(await ask({ mac: macs[0], uuid: uuids[0] })).not.toContain('installs')
  })

  test('and to at most one of two boards with its UUID that boot at the same time', async () => {
    const { macs, uuids, name } = values()
    await armed(newMachine, { uuid: uuids[0], hostname: name })
    const scripts = await Promise.all(macs.map((mac) => ask({ mac, uuid: uuids[0] })))
    expect(scripts.filter((script) => script.includes('installs')).length).toBeLessThanOrEqual(1)
    expect(await ask({ mac: macs[0], uuid: uuids[0] })).not.toContain('installs')
  })

  test('and not to a weak identity, even if the assignment allows installing at every boot', async () => {
    const { macs, uuids, name } = values()
    const assignment = { image: 'setup', everyBoot: true as const }
    await saveMachine(server.deps.db, { mac: macs[0] }, { uuid: uuids[0], hostname: name, assignment }, {}, 'tester')
    const script = await ask({ mac: macs[1], uuid: uuids[0] })
    expect(script).toContain(`echo Bootwright: image setup installs, and this may not be ${name}`)
    expect(nextStepOf(script)).toBe(`if this is ${name}: bootwright machine set ${macs[0]} --add-mac ${macs[1]}`)
    expect(await ask({ mac: macs[0], uuid: uuids[0] })).toContain(`${name} boots setup`)
  })

  test('and a boot of a weak identity does not disturb the running installation', async () => {
    const { macs, uuids, name } = values()
    const { deployment } = await armed(
      { mac: macs[0] },
      { uuid: uuids[0], hostname: name, assignment: { image: 'live' } },
    )
    const token = (script: string) => /\/b\/([\w-]{43})\//.exec(script)?.[1]
    const report = async (script: string, what: string) =>
      (await fetch(`${server.url}/b/${token(script)}/${what}`)).status
    const own = await ask({ mac: macs[0], uuid: uuids[0] })
    expect([await report(own, 'ready'), await report(own, 'installing')]).toEqual([200, 200])
    const other = await ask({ mac: macs[1], uuid: uuids[0] })
    expect([await report(other, 'ready'), await report(other, 'booted')]).toEqual([200, 200])
    expect(await report(own, 'installed')).toBe(200)
    expect((await findDeployment(server.deps.db, deployment.id))?.state).toBe('installed')
  })
})

describe('a machine is not refused because of another machine', { timeout: 120_000 }, () => {
  test('if its MAC matches and its UUID was entered for another machine: it boots with a notice', async () => {
    const { macs, uuids, name } = values()
    await saveMachine(server.deps.db, { mac: macs[0] }, { uuid: uuids[0], hostname: `${name}a` }, {}, 'tester')
    await armed({ mac: macs[1] }, { hostname: `${name}b` })
    // The machine never reported that UUID: its network adapter may be in the other computer.
    expect(await ask({ mac: macs[1], uuid: uuids[0] })).toContain(`${name}b boots from its local disk`)
    await saveMachine(server.deps.db, { mac: macs[1] }, { uuid: uuids[0] }, {}, 'tester')
    const script = await ask({ mac: macs[1], uuid: uuids[0] })
    expect(script).toContain(`${name}b installs setup`)
    expect(script).toContain(`echo Bootwright: UUID ${uuids[0]} was entered for ${name}a, and ${name}b reports it`)
  })

  test.each([
    ['of 20 bytes', '80-00-02-08-fe-80-00-00-00-00-00-00-00-02-c9-03-00-11-22-33'],
    ['of 8 bytes', '00:02:c9:03:00:11:22:33'],
    ['that is empty', ''],
  ])('a hardware address %s leaves it to the UUID', async (_, mac) => {
    const { uuids, name } = values()
    await armed(newMachine, { uuid: uuids[0], hostname: name })
    expect(await ask({ mac, uuid: uuids[0] })).toContain(`${name} installs setup`)
  })

  test('with a second card: the same UUID suggests that it is the same machine', async () => {
    const { macs, uuids, name } = values()
    await saveMachine(server.deps.db, { mac: macs[0] }, { hostname: name }, {}, 'tester')
    await ask({ mac: macs[0], uuid: uuids[0] })
    for (let times = 0; times < 2; times++) {
      const script = await ask({ mac: macs[1], uuid: uuids[0] })
      expect(script).toContain(`echo Bootwright: this is probably ${name}, which reported the same UUID`)
      expect(script).toContain(`bootwright machine merge ${macs[0]} --from ${macs[1]}`)
    }
    expect((await listFindings(server.deps.db)).map(({ code, nextStep }) => [code, nextStep])).toContainEqual([
      'BW-IDENTITY-PROBABLE',
      `if it is: bootwright machine merge ${macs[0]} --from ${macs[1]}`,
    ])
  })

  test('with an entered UUID: its new MAC and its discovered record are joined to it', async () => {
    const { macs, uuids, name } = values()
    await ask({ mac: macs[0], uuid: uuids[0] })
    const { machine } = await saveMachine(server.deps.db, newMachine, { uuid: uuids[0], hostname: name }, {}, 'tester')
    await ask({ mac: macs[0], uuid: uuids[0] })
    await server.deps.inventory.events.flush()
    expect(await findMachine(server.deps.db, { mac: macs[0] })).toBeUndefined()
    expect(await listBoots(server.deps.db, { machineId: machine.id }, 10)).toHaveLength(2)
  })
})

describe('a machine that may be an entered machine is not installed by settings for others', {
  timeout: 120_000,
}, () => {
  const everyBoot = { everyBoot: true } as const
  const installing = { kind: 'image', image: 'setup', ...everyBoot } as const
  afterEach(() => savePolicy(server.deps.db, { kind: 'local' }, 'tester'))

  /** What asks, what was entered, and who asked before. */
  const cases: [
    string,
    (v: ReturnType<typeof values>) => {
      entered: MachineChange
      mac?: string
      asks: Partial<Record<keyof Facts, string>>[]
    },
  ][] = [
    [
      'the second card of a machine that was entered by its UUID',
      ({ macs, uuids }) => ({ entered: { uuid: uuids[0] }, asks: macs.map((mac) => ({ mac, uuid: uuids[0] })) }),
    ],
    [
      'the first card, after a stranger said its UUID',
      ({ macs, uuids }) => ({
        entered: { uuid: uuids[0] },
        asks: [{ mac: macs[2], uuid: swapUuid(uuids[0]) }, ...macs.slice(0, 1).map((mac) => ({ mac, uuid: uuids[0] }))],
      }),
    ],
    [
      'a card beside a boot without an address',
      ({ macs, uuids }) => ({
        entered: { uuid: uuids[0] },
        asks: [{ uuid: uuids[0] }, { mac: macs[0], uuid: uuids[0] }],
      }),
    ],
    [
      'two more cards of a machine that was entered with another',
      ({ macs, uuids }) => ({
        entered: { uuid: uuids[0] },
        mac: macs[0],
        asks: [macs[0], macs[1], macs[2], macs[1]].map((mac) => ({ mac, uuid: uuids[0] })),
      }),
    ],
    [
      'the second card of a machine that only reported its UUID',
      ({ macs, uuids }) => ({
        entered: {},
        mac: macs[0],
        asks: [macs[0], macs[1], macs[2]].map((mac) => ({ mac, uuid: uuids[0] })),
      }),
    ],
    [
      'the second card of a machine that only reported its serial',
      ({ macs, name }) => ({
        entered: {},
        mac: macs[0],
        asks: [macs[0], macs[1]].map((mac) => ({ mac, serial: `SER${name}`, product: 'OptiPlex 7080' })),
      }),
    ],
    [
      'the second card of a machine that was entered by its serial',
      ({ macs, name }) => ({
        entered: { serial: `SER${name}`, product: 'OptiPlex 7080' },
        asks: [macs[0], macs[1], macs[0]].map((mac) => ({ mac, serial: `SER${name}`, product: 'OptiPlex 7080' })),
      }),
    ],
  ]

  describe.each(cases)('%s', (_, caseOf) => {
    const start = async (more: MachineChange) => {
      const v = values()
      const { entered, mac, asks } = caseOf(v)
      await saveMachine(
        server.deps.db,
        mac === undefined ? newMachine : { mac: mac as Mac },
        {
          hostname: v.name,
          ...entered,
          ...more,
        },
        {},
        'tester',
      )
      return { asks, name: v.name }
    }

    test('by the policy', async () => {
      const { asks, name } = await start({ assignment: { local: true } })
      await savePolicy(server.deps.db, installing, 'tester')
      for (const facts of asks) {
        const script = await ask(facts)
        expect(script).not.toMatch(/^kernel/m)
        expect(script).toMatch(new RegExp(`${name} boots from its local disk|and this may be ${name}`))
        if (script.includes('and this may be'))
          expect(nextStepOf(script)).toMatch(/^if .*bootwright machine (set|merge) /)
      }
    })

    test('by a group', async () => {
      const { asks } = await start({ assignment: { local: true } })
      await saveGroup(
        server.deps.db,
        'all',
        {
          title: '',
          priority: 0,
          selector: [{ fact: 'arch', equals: 'x86_64' }],
          assignment: { image: 'setup', ...everyBoot },
        },
        {},
        'tester',
      )
      try {
        for (const facts of asks) expect(await ask(facts)).not.toMatch(/^kernel/m)
      } finally {
        await deleteGroup(server.deps.db, 'all', {}, 'tester')
      }
    })

    test('by the time limit of a menu', async () => {
      const { asks } = await start({ assignment: { local: true } })
      const install = { name: 'i', text: 'Install', kind: 'image' as const, image: 'setup', ...everyBoot }
      await saveMenu(
        server.deps.db,
        'timed',
        { title: 't', timeoutSeconds: 5, defaultEntry: 'i', entries: [install] },
        {},
        'tester',
      )
      await savePolicy(server.deps.db, { kind: 'menu', menu: 'timed' }, 'tester')
      for (const facts of asks) expect(await ask(facts)).not.toMatch(/choose --timeout/)
    })

    test('and boots nothing if that machine is denied', async () => {
      const { asks, name } = await start({ denied: true })
      for (const facts of asks) {
        const script = await ask(facts)
        expect(script).toMatch(new RegExp(`(machine ${name}|${name}, which) is denied`))
        expect(nextStepOf(script)).toMatch(/^to allow it: bootwright machine set \S+ --allow$/)
      }
    })
  })

  test('but discovered boards are installed, even if they share their UUID and serial', async () => {
    const { macs, uuids, name } = values()
    await savePolicy(server.deps.db, installing, 'tester')
    for (const mac of [...macs, ...macs])
      expect(await ask({ mac, uuid: uuids[0], serial: `SER${name}`, product: 'NUC9' })).toMatch(/^kernel/m)
  })

  test('even if many discovered machines have the same UUID', async () => {
    const { uuids, name } = values()
    const mac = (n: number) => `52:54:00:f0:${name.slice(1)}:${(0x10 + n).toString(16)}` as Mac
    for (let n = 0; n < 8; n++) await ask({ mac: mac(n), uuid: uuids[0] })
    await saveMachine(server.deps.db, { mac: mac(7) }, { hostname: name, assignment: { local: true } }, {}, 'tester')
    await savePolicy(server.deps.db, installing, 'tester')
    expect(await ask({ mac: mac(9), uuid: uuids[0] })).toContain(`and this may be ${name}`)
    await saveMachine(
      server.deps.db,
      { mac: mac(9) },
      { assignment: { image: 'setup', everyBoot: true } },
      {},
      'tester',
    )
    expect(await ask({ mac: mac(9), uuid: uuids[0] })).toMatch(/^kernel/m)
  })

  test('and does not get the network disk or the password of the entered machine', async () => {
    const { macs, uuids, name } = values()
    const variant = {
      arch: 'x86_64' as const,
      kind: 'sanboot' as const,
      target: 'iscsi:192.0.2.9::::iqn.2026-01.example:{{ machine.hostname }}',
    }
    await saveImage(server.deps.db, name, { variants: [variant] }, {}, 'tester')
    await saveMachine(
      server.deps.db,
      { mac: macs[0] },
      { hostname: name, uuid: uuids[0], assignment: { image: name } },
      {},
      'tester',
    )
    expect(await ask({ mac: macs[0], uuid: uuids[0] })).toContain(`:${name}`)
    for (const facts of [
      { mac: macs[1], uuid: uuids[0] },
      { mac: macs[0], uuid: uuids[1] },
      { mac: macs[0], uuid: '00000000-0000-0000-0000-000000000000' },
    ]) {
      const script = await ask(facts)
      expect(script).not.toMatch(/^(sanboot|chain .*san\.ipxe)/m)
      expect(script).toContain(`is a network disk, and this may not be ${name}`)
    }
  })

  test('even with the adapter of an armed machine in a computer that was entered by its UUID', async () => {
    const { macs, uuids, name } = values()
    await armed({ mac: macs[0] }, { hostname: `${name}a` })
    await saveMachine(
      server.deps.db,
      newMachine,
      {
        hostname: `${name}b`,
        uuid: uuids[0],
        assignment: { image: 'live' },
      },
      {},
      'tester',
    )
    const script = await ask({ mac: macs[0], uuid: swapUuid(uuids[0]) })
    expect(script).toContain(`${name}a boots from its local disk`)
    expect(script).toContain(`its MAC matches, but UUID ${swapUuid(uuids[0])} was entered for ${name}b`)
    expect(script).toContain(`bootwright machine set ${uuids[0]} --clear-uuid`)
  })

  test.each([
    ['capitals and blanks', 'czj 104', 'PROLIANT DL360'],
    ['more blanks', 'CZJ  104', 'ProLiant   DL360'],
  ])('a serial with product in other %s is the same', async (_, serial, product) => {
    const { macs, name } = values()
    const entered = { serial: `CZJ 104${name}`, product: 'ProLiant DL360' }
    await armed(newMachine, { hostname: name, ...entered })
    expect(await ask({ mac: macs[0], serial: serial + name, product })).toContain(`${name} installs setup`)
    expect(await ask({ mac: macs[1], serial: entered.serial, product })).toContain(`${macs[0]} has it too`)
  })

  test('until the operator removes the MACs of the entered machine, for a card without an address', async () => {
    const { macs, uuids, name } = values()
    const { machine } = await armed({ mac: macs[0] }, { hostname: name, uuid: uuids[0] })
    const facts = { mac: '80:00:02:08:fe:80:00:00:00:00:00:00:00:02:c9:03:00:11:22:33', uuid: uuids[0] }
    const command = `bootwright machine set ${machine.id} --remove-mac ${macs[0]}`
    expect(await ask(facts as never)).toContain(`to identify it only by its UUID: ${command}`)
    await saveMachine(server.deps.db, { id: machine.id }, { macs: [] }, {}, 'tester')
    expect(await ask(facts as never)).toContain(`${name} installs setup`)
  })

  test('and the command on its screen names the cards of both', async () => {
    const { macs, uuids, name } = values()
    const { machine } = await armed(newMachine, { hostname: name, uuid: uuids[0] })
    expect(await ask({ mac: macs[0], uuid: uuids[0] })).toContain(`${name} installs setup`)
    const find = (facts: Facts) => server.deps.inventory.findSituation(facts)
    expect((await find({ uuid: uuids[0] })).identity).toMatchObject({ machine: { id: machine.id } })
    const script = await ask({ mac: macs[1], uuid: uuids[0] })
    expect(script).toContain(
      `if ${macs[1]} and ${macs[0]} belong to ${name}: bootwright machine set ${uuids[0]} --add-mac ${macs[1]} --add-mac ${macs[0]}`,
    )
    await saveMachine(server.deps.db, { id: machine.id }, { macs: [macs[1], macs[0]] }, {}, 'tester')
    expect(await ask({ mac: macs[1], uuid: uuids[0] })).toContain(`${name} installs setup`)
  })
})

describe('facts', { timeout: 120_000 }, () => {
  const hex = (text: string, encoding: BufferEncoding = 'utf8') => Buffer.from(text, encoding).toString('hex')

  test.each([
    ['SN&42 #7', 'utf8'],
    ['a=b&mac=52-54-00-00-00-99', 'utf8'],
    ['100 % +über “x”', 'utf8'],
    ['Größe ½', 'latin1'],
  ] as const)('%j comes whole through an iPXE that cuts its readable form', async (text, encoding) => {
    const { macs } = values()
    const query = `mac=${macs[0]}&serial.hex=${hex(text, encoding)}&product.hex=${hex('X&1')}&serial=${text}&product=X&1`
    await bootAsIpxe(server, query.replaceAll(/[^\x21-\x7e]|#/g, ''))
    expect((await findMachine(server.deps.db, { mac: macs[0] }))?.facts).toMatchObject({ serial: text, product: 'X&1' })
  })

  test('fill templates: entered values first, then reported values, and never placeholders', async () => {
    const { macs, name } = values()
    const variant = {
      arch: 'x86_64' as const,
      kind: 'linux' as const,
      kernel: await server.addFile('k', Buffer.from('k')),
      initrds: [],
      args: [
        's={{ machine.serial }}',
        'p={{ machine.product }}',
        'a={{ machine.asset | default: "none" }}',
        'h={{ machine.hostname }}',
      ],
    }
    await saveImage(server.deps.db, name, { variants: [variant] }, {}, 'tester')
    await saveMachine(
      server.deps.db,
      { mac: macs[0] },
      { hostname: name, serial: '7X06', assignment: { image: name } },
      {},
      'tester',
    )
    const script = await ask({ mac: macs[0], serial: 'Default string', product: 'R640', asset: 'No Asset Tag' })
    expect(script).toContain(` s=7X06 p=R640 a=none h=${name} `)
    await server.deps.inventory.events.flush()
    // What the machine said once fills what a request does not say: a preview is the script that it would get.
    const preview = await (await fetch(`${server.url}/ipxe?mac=${macs[0]}`)).text()
    expect(preview).toContain(` s=7X06 p=R640 a=none h=${name} `)
  })

  test('update the last contact of a waiting machine at each request', async () => {
    const { macs } = values()
    await savePolicy(server.deps.db, { kind: 'wait' }, 'tester')
    try {
      const seen: (Date | undefined)[] = []
      for (let times = 0; times < 3; times++) {
        await ask({ mac: macs[0] })
        await server.deps.inventory.events.flush()
        seen.push((await findMachine(server.deps.db, { mac: macs[0] }))?.lastSeenAt)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      expect(new Set(seen.map((at) => at?.getTime())).size).toBe(3)
    } finally {
      await savePolicy(server.deps.db, { kind: 'local' }, 'tester')
    }
  })
})

test('an address that invents machines reaches its limit, and other addresses are not affected', {
  timeout: 120_000,
}, async () => {
  let left = 3
  const small = await startTestBootServer({ maxDiscovered: 5, maxDiscoveredPerAddress: 2, mayRecord: () => left-- > 0 })
  try {
    const script = (n: number) => getAsIpxe(`${small.url}/ipxe?mac=52-54-00-99-00-0${n}&platform=efi`)
    for (const n of [1, 2, 3, 4]) expect(await script(n)).toContain('boots from its local disk')
    expect((await searchMachines(small.deps.db, {}, creationOrder, 10)).length).toBeLessThanOrEqual(2)
    expect((await listBoots(small.deps.db, {}, 10)).length).toBeLessThanOrEqual(2)
    expect(await script(4)).toContain('/b/preview/')
  } finally {
    await small.stop()
  }
})
