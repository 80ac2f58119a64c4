import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { findBoot, listBoots } from '../../src/inventory/boots/boots.ts'
import { listBootEvents } from '../../src/inventory/boots/events.ts'
import { saveImage } from '../../src/inventory/images/images.ts'
import { findMachine, newMachine, saveMachine } from '../../src/inventory/machines/machines.ts'
import { savePolicy } from '../../src/inventory/machines/policy.ts'
import { bootAsIpxe, getAsIpxe, startTestBootServer, type TestBootServer, unwrapped } from '../helpers/boot-server.ts'

let server: TestBootServer
let mac: string
let macs = 0x1000

beforeAll(async () => {
  server = await startTestBootServer()
  const { deps, addFile } = server
  const kernel = await addFile('vmlinuz', Buffer.from('kernel'))
  const initrd = await addFile('initrd.gz', Buffer.from('initrd'))
  const variant = {
    arch: 'x86_64' as const,
    kind: 'linux' as const,
    kernel,
    initrds: [initrd],
    args: ['console=ttyS0', 'report={{ boot.url }}'],
  }
  await saveImage(deps.db, 'debian-12', { variants: [variant] }, {}, 'tester')
  await saveImage(deps.db, 'broken', { variants: [{ ...variant, args: ['x={{ machine.rack }}'] }] }, {}, 'tester')
})
afterAll(() => server.stop())
beforeEach(async () => {
  macs += 1
  mac = `52:54:00:00:${(macs >> 8).toString(16).padStart(2, '0')}:${(macs & 255).toString(16).padStart(2, '0')}`
  await savePolicy(server.deps.db, { kind: 'local' }, 'tester')
})

const query = (more = '') => `mac=${mac.replaceAll(':', '-')}&platform=efi&buildarch=x86_64${more}`
const preview = async (path = `/ipxe?${query()}`) => (await fetch(server.url + path)).text()
const boot = (more = '') => bootAsIpxe(server, query(more))
const assign = (image: string) =>
  saveMachine(server.deps.db, { mac }, { assignment: { image }, hostname: `host-${macs}` }, {}, 'tester')
const tokenIn = (script: string) => /\/b\/([\w-]{43})\//.exec(script)?.[1] as string
const report = (token: string, what: string) => fetch(`${server.url}/b/${token}/${what}`)
const bootsOf = async () => {
  const machine = await findMachine(server.deps.db, { mac })
  return listBoots(server.deps.db, { machineId: machine?.id ?? '00000000-0000-0000-0000-000000000000' }, 10)
}

describe('a preview', () => {
  test('is the script that iPXE would get, with invalid tokens', async () => {
    await assign('debian-12')
    const shown = await preview()
    const served = await boot()
    const [opened] = await bootsOf()
    expect(served.replaceAll(tokenIn(served), 'preview').replaceAll(opened?.id as string, 'preview')).toBe(shown)
    expect((await report('preview', 'booted')).status).toBe(404)
  })

  test('changes nothing: no boot is opened, no machine recorded, nothing seen', async () => {
    await preview()
    expect(await findMachine(server.deps.db, { mac })).toBeUndefined()
    await assign('debian-12')
    await preview()
    await fetch(`${server.url}/ipxe?${query()}`, { method: 'HEAD', headers: { 'User-Agent': 'iPXE/1.0' } })
    expect(await bootsOf()).toEqual([])
    expect(await findMachine(server.deps.db, { mac })).not.toHaveProperty('lastSeenAt')
  })

  test('knows a machine by the MAC in the path, in any spelling', async () => {
    await assign('debian-12')
    for (const spelled of [mac, mac.toUpperCase(), mac.replaceAll(':', '-'), mac.replaceAll(':', '')]) {
      expect(await preview(`/ipxe/${spelled}.ipxe`)).toContain(`host-${macs} boots debian-12 version 1`)
    }
  })
})

describe('the bootstrap', () => {
  test('is relative where iPXE knows where it came from, and names the server where it does not', async () => {
    for (const path of ['/boot.ipxe', '/boot.ipxe.0']) expect(await preview(path)).toContain('--autofree /ipxe?mac=')
    for (const path of ['/autoexec.ipxe', '/nbp/autoexec.ipxe']) {
      expect(await preview(path)).toContain(`--autofree ${server.url}/ipxe?mac=`)
    }
  })
})

describe('a boot', () => {
  test('is followed from the boot program to the report of the system', async () => {
    await assign('debian-12')
    await (await fetch(`${server.url}/nbp/ipxe.efi`)).arrayBuffer()
    await getAsIpxe(`${server.url}/boot.ipxe`)
    const script = await boot()
    for (const [, url] of script.matchAll(/(http:\/\/\S+\/files\/\S+)/g)) await getAsIpxe(url as string)
    const token = tokenIn(script)
    await report(token, 'ready')
    await report(token, 'booted?message=6.1.0-9')
    const [opened] = await bootsOf()
    await server.deps.inventory.events.flush()
    const events = await listBootEvents(server.deps.db, opened?.id as string)
    expect(events.map((event) => event.stage)).toEqual([
      'nbp',
      'bootstrap',
      'script',
      'kernel',
      'initrd',
      'ready',
      'booted',
    ])
    expect(events.map((event) => event.bytes)).toEqual([100_001, undefined, undefined, 6, 6, undefined, undefined])
    expect(opened).toMatchObject({
      outcome: 'booted',
      message: '6.1.0-9',
      image: 'debian-12',
      version: 1,
      mac,
      ip: '127.0.0.1',
    })
  })

  test('that is not ended is superseded by the next', async () => {
    await assign('debian-12')
    await boot()
    await boot()
    expect((await bootsOf()).map((one) => one.outcome)).toEqual([null, 'superseded'])
  })

  test('keeps its outcome whatever is reported late or again', async () => {
    await assign('debian-12')
    const token = tokenIn(await boot())
    for (const what of ['installed', 'failed', 'installed', 'booted', 'ready'])
      expect((await report(token, what)).status).toBe(200)
    const [only] = await bootsOf()
    expect(only?.outcome).toBe('installed')
    expect((await listBootEvents(server.deps.db, only?.id as string)).map((event) => event.stage)).toEqual([
      'script',
      'installed',
      'failed',
      'installed',
      'booted',
      'ready',
    ])
  })

  test('accepts reports by GET or POST, but not by HEAD or with an unknown name', async () => {
    await assign('debian-12')
    const token = tokenIn(await boot())
    await fetch(`${server.url}/b/${token}/failed`, { method: 'HEAD' })
    expect((await report(token, 'exploded')).status).toBe(404)
    expect((await report(`${token.slice(0, -1)}!`, 'failed')).status).toBe(404)
    expect(
      (
        await report(
          token.replace(/^./, (first) => (first === 'A' ? 'B' : 'A')),
          'failed',
        )
      ).status,
    ).toBe(404)
    expect((await bootsOf())[0]?.outcome).toBeNull()
    await fetch(`${server.url}/b/${token}/failed`, { method: 'POST', body: 'x'.repeat(100_000) })
    expect((await bootsOf())[0]?.outcome).toBe('failed')
  })

  test('cannot fill the disk: a token records 500 events and no more', async () => {
    await assign('debian-12')
    const token = tokenIn(await boot())
    for (let i = 0; i < 510; i++) await report(token, 'ready')
    const [only] = await bootsOf()
    expect((await listBootEvents(server.deps.db, only?.id as string)).length).toBe(500)
  })

  test('keeps only a hash of its token', async () => {
    await assign('debian-12')
    const token = tokenIn(await boot())
    const [only] = await bootsOf()
    expect(JSON.stringify(await findBoot(server.deps.db, only?.id as string))).not.toContain(token)
  })
})

describe('a machine never seen before', () => {
  test('is recorded as discovered with its facts and shown the policy, once', async () => {
    const uuid = '37393031-3735-4d32-3234-333530313858'
    await boot(`&uuid=${uuid.toUpperCase()}&serial=S-1&product=Standard%20PC%20(Q35%20%2B%20ICH9)`)
    await boot('&serial=S-1')
    const machine = await findMachine(server.deps.db, { mac })
    expect(machine).toMatchObject({
      discovered: true,
      facts: { uuid, serial: 'S-1', product: 'Standard PC (Q35 + ICH9)' },
      macs: [mac],
    })
    // Reported values are not keys, so no look-up finds them.
    expect([machine?.uuid, machine?.serial, machine?.product]).toEqual([undefined, undefined, undefined])
    expect(machine?.facts).toMatchObject({ product: 'Standard PC (Q35 + ICH9)', platform: 'efi', buildarch: 'x86_64' })
    expect((await bootsOf()).map((one) => one.image)).toEqual([null, null])
  })

  test('waits without opening boots where the policy is wait', async () => {
    await savePolicy(server.deps.db, { kind: 'wait' }, 'tester')
    expect(await boot()).toContain('waits: no image is assigned to it')
    expect(await bootsOf()).toEqual([])
    expect((await findMachine(server.deps.db, { mac }))?.discovered).toBe(true)
  })

  test('boots the image of the policy', async () => {
    await savePolicy(server.deps.db, { kind: 'image', image: 'debian-12' }, 'tester')
    expect(await boot()).toContain('boots debian-12 version 1')
  })

  test('is recorded once when it asks many times at once', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => boot()))
    expect(new Set(answers.map((text) => text.includes('boots from its local disk')))).toEqual(new Set([true]))
    await server.deps.inventory.events.flush()
    expect((await bootsOf()).length).toBe(10)
  })

  test('is recorded past the limit, and evicts the machine with the oldest contact', async () => {
    const small = await startTestBootServer({ maxDiscovered: 1 })
    const ask = (address: string) => bootAsIpxe(small, `mac=${address}`)
    await ask('52-54-00-00-00-01')
    expect(await ask('52-54-00-00-00-02')).toContain('boots from its local disk')
    expect(await findMachine(small.deps.db, { mac: '52:54:00:00:00:02' })).toBeDefined()
    expect(await findMachine(small.deps.db, { mac: '52:54:00:00:00:01' })).toBeUndefined()
    await small.stop()
  })
})

describe('a refusal', () => {
  const script = async (more = '') => unwrapped(await boot(more)).split('\n')

  test('names the variants there are, and is the outcome of its boot', async () => {
    await assign('debian-12')
    const text = await bootAsIpxe(server, `mac=${mac}&platform=efi&buildarch=arm64`)
    expect(unwrapped(text)).toContain(
      'echo Bootwright: image debian-12 has no variant for arm64 efi; existing variants: x86_64 any platform\n',
    )
    expect(await bootsOf()).toMatchObject([
      {
        outcome: 'failed',
        message: 'image debian-12 has no variant for arm64 efi; existing variants: x86_64 any platform',
        refusalCode: 'BW-NO-VARIANT',
      },
    ])
  })

  test('says that a machine is denied', async () => {
    await saveMachine(server.deps.db, { mac }, { denied: true }, {}, 'tester')
    expect(await script()).toContain(`echo Bootwright: machine ${mac} is denied`)
  })

  test('names both machines that claim a request', async () => {
    const serial = { serial: `7X06-${macs}`, product: 'P' }
    const uuid = `37393031-3735-4d32-3234-3335303138${macs.toString().padStart(2, '0').slice(-2)}`
    await saveMachine(server.deps.db, newMachine, { ...serial, hostname: `serial-${macs}` }, {}, 'tester')
    await saveMachine(server.deps.db, newMachine, { uuid, hostname: `uuid-${macs}` }, {}, 'tester')
    expect(await script(`&serial=${serial.serial}&product=P&uuid=${uuid}`)).toContain(
      `echo Bootwright: several machines match: uuid-${macs} by UUID ${uuid}, serial-${macs} by serial 7X06-${macs}`,
    )
  })

  test('shows which argument cannot be filled in', async () => {
    await assign('broken')
    const text = unwrapped(await boot())
    expect(text).toMatch(/^echo Bootwright: image broken: args\[0\]: expected valid Liquid \(machine\.rack is not set/m)
    expect((await bootsOf())[0]?.outcome).toBe('failed')
  })

  test.each([
    ['mac=zz', 'mac: expected a MAC address'],
    ['mac=ff-ff-ff-ff-ff-ff', 'mac: expected a MAC address'],
    ['', 'mac: expected a MAC address, a uuid, or a serial with a product'],
    [`mac=${'5'.repeat(5000)}`, 'a uuid, or a serial'],
  ])('is a script too when the request is ?%s', async (search, reason) => {
    const response = await fetch(`${server.url}/ipxe?${search}`)
    const text = await response.text()
    expect(response.status).toBe(200)
    expect(text).toMatch(/^#!ipxe\n/)
    expect(unwrapped(text)).toContain(reason)
  })

  test('tells the machine when the database is unreachable', async () => {
    const broken = await startTestBootServer()
    await (broken.deps.db as unknown as { $client: { close: () => Promise<void> } }).$client.close()
    expect(await bootAsIpxe(broken, `mac=${mac}`)).toContain(
      'echo Bootwright: the Bootwright database is unreachable\n',
    )
    await broken.stop().catch(() => {})
  })
})

describe('the facts of a machine cannot become a command', () => {
  test.each(['%0Aset%20x', '||%20shell', '$%7Bnet0/mac%7D', '%23%20x', 'a%20&&%20b', '%5C', '%FF%FE', '%00', "';--"])(
    '%s',
    async (value) => {
      const text = await boot(`&hostname=${value}&product=${value}&serial=${value}&manufacturer=${value}`)
      const commands = text
        .split('\n')
        .filter((line) => line !== '' && !line.startsWith('#'))
        .map((line) => line.split(' ')[0])
      expect(commands).toEqual(['echo', 'imgfetch', 'exit'])
    },
  )
})
