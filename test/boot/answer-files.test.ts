import { eq, sql } from 'drizzle-orm'
import { v7 } from 'uuid'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { boots } from '../../src/db/schema/boots.ts'
import { listBoots } from '../../src/inventory/boots/boots.ts'
import { listBootEvents } from '../../src/inventory/boots/events.ts'
import { saveAnswerFile } from '../../src/inventory/images/answer-files.ts'
import { saveImage } from '../../src/inventory/images/images.ts'
import { saveGroup } from '../../src/inventory/machines/groups.ts'
import { findMachine, saveMachine } from '../../src/inventory/machines/machines.ts'
import { saveSecret } from '../../src/inventory/machines/secrets.ts'
import { bootAsIpxe, startTestBootServer, type TestBootServer, unwrapped } from '../helpers/boot-server.ts'

let server: TestBootServer
let mac: string
let macs = 0x2000

const text = `d-i netcfg/get_hostname string {{ machine.hostname }}
d-i passwd/root-password password {{ secrets.root_password }}
d-i partman-auto/disk string {{ params.root_disk }}
d-i preseed/late_command string wget {{ boot.url }}/installed # {{ image.name }} {{ image.version }}
`

beforeAll(async () => {
  server = await startTestBootServer()
  const { db } = server.deps
  const kernel = await server.addFile('linux', Buffer.from('kernel'))
  const args = ['auto=true', 'url={{ boot.answer_url }}', 'ds=nocloud-net;s={{ boot.nocloud_url }}']
  await saveImage(
    db,
    'debian-12',
    { variants: [{ arch: 'x86_64', kind: 'linux', kernel, initrds: [], args }] },
    {},
    'tester',
  )
  await saveAnswerFile(
    db,
    'preseed',
    { documents: [{ name: 'preseed.cfg', mediaType: 'text/plain', text }] },
    {},
    'tester',
  )
  const users = {
    name: 'user-data',
    mediaType: 'text/cloud-config',
    text: '#cloud-config\nid: {{ boot.instance_id }}\n',
  }
  await saveAnswerFile(db, 'cloud', { documents: [users] }, {}, 'tester')
})
afterAll(() => server.stop())
beforeEach(() => {
  macs += 1
  mac = `52:54:00:00:${(macs >> 8).toString(16).padStart(2, '0')}:${(macs & 255).toString(16).padStart(2, '0')}`
})

const enter = async (answerFile = 'preseed', secret = 'hunter2') => {
  const { db, sealer } = server.deps
  const assignment = { image: 'debian-12', everyBoot: true as const, answerFile, params: { root_disk: '/dev/vda' } }
  const { machine } = await saveMachine(db, { mac }, { hostname: `host-${macs}`, assignment }, {}, 'tester')
  if (secret !== '')
    await saveSecret(db, sealer, { kind: 'machine', id: machine.id }, 'root_password', secret, 'tester')
  return machine
}
const boot = () => bootAsIpxe(server, `mac=${mac}&platform=efi&buildarch=x86_64`)
const urlIn = (script: string) => /url=(http:\S+)/.exec(script)?.[1] as string
const tokenIn = (script: string) => /\/b\/([\w-]{43})\//.exec(script)?.[1] as string
const report = (token: string, what: string) => fetch(`${server.url}/b/${token}/${what}`)
const lastBoot = async () => {
  const machine = await findMachine(server.deps.db, { mac })
  const [boot] = await listBoots(server.deps.db, { machineId: machine?.id }, 1)
  return boot
}

describe('an answer file', () => {
  test('is filled in for the boot whose script names it, with its secrets', async () => {
    await enter()
    const script = await boot()
    expect(script).not.toContain('hunter2')
    const response = await fetch(urlIn(script))
    expect([response.status, response.headers.get('content-type'), response.headers.get('cache-control')]).toEqual([
      200,
      'text/plain',
      'no-store',
    ])
    expect(await response.text()).toBe(`d-i netcfg/get_hostname string host-${macs}
d-i passwd/root-password password hunter2
d-i partman-auto/disk string /dev/vda
d-i preseed/late_command string wget ${server.url}/b/${tokenIn(script)}/installed # debian-12 1
`)
    const opened = await lastBoot()
    expect(opened).toMatchObject({ stage: 'answer-file', outcome: null })
    const events = await listBootEvents(server.deps.db, opened?.id as string)
    expect(events.map(({ stage, message }) => [stage, message])).toEqual([
      ['script', 'linux'],
      ['answer-file', 'preseed.cfg'],
    ])
  })

  test("has the machine's own secret before that of its group", async () => {
    const { db, sealer } = server.deps
    await saveGroup(
      db,
      `g${macs}`,
      {
        title: '',
        priority: 0,
        selector: [{ fact: 'mac', equals: mac }],
        assignment: {},
      },
      {},
      'tester',
    )
    await saveSecret(db, sealer, { kind: 'group', id: `g${macs}` }, 'root_password', 'of the group', 'tester')
    await enter('preseed', '')
    expect(await (await fetch(urlIn(await boot()))).text()).toContain('password of the group\n')
    await enter('preseed', 'of the machine')
    expect(await (await fetch(urlIn(await boot()))).text()).toContain('password of the machine\n')
  })

  test('with missing names is refused, and the screen lists each name', async () => {
    await saveMachine(
      server.deps.db,
      { mac },
      { assignment: { image: 'debian-12', everyBoot: true, answerFile: 'preseed' } },
      {},
      'tester',
    )
    const script = await boot()
    expect(script).toContain('answer file preseed: ')
    for (const name of ['machine.hostname', 'secrets.root_password', 'params.root_disk'])
      expect(script).toContain(`${name} is not set`)
    expect(script).not.toContain('\nkernel ')
    expect(await lastBoot()).toMatchObject({
      outcome: 'failed',
      message: expect.stringContaining('root_disk is not set'),
    })
  })

  test('is missing if an image needs one and none is assigned', async () => {
    await saveMachine(server.deps.db, { mac }, { assignment: { image: 'debian-12' } }, {}, 'tester')
    expect(unwrapped(await boot())).toContain('boot.answer_url is not set')
  })

  test('stays the version that the script was made with', async () => {
    const { db } = server.deps
    await saveAnswerFile(
      db,
      `v${macs}`,
      { documents: [{ name: 'a', mediaType: 'text/plain', text: 'first' }] },
      {},
      'tester',
    )
    await enter(`v${macs}`)
    const url = urlIn(await boot())
    await saveAnswerFile(
      db,
      `v${macs}`,
      { documents: [{ name: 'a', mediaType: 'text/plain', text: 'second' }] },
      {},
      'tester',
    )
    expect(await (await fetch(url)).text()).toBe('first')
    expect(await (await fetch(urlIn(await boot()))).text()).toBe('second')
  })

  test('for cloud-init has the meta-data and the vendor-data that cloud-init requires', async () => {
    const machine = await enter('cloud')
    const source = /s=(http:\S+)/.exec(await boot())?.[1] as string
    expect(source).toMatch(/\/nocloud\/$/)
    const get = async (name: string) => {
      const response = await fetch(source + name)
      return [response.status, await response.text()]
    }
    expect(await get('user-data')).toEqual([200, `#cloud-config\nid: ${machine.id}\n`])
    expect(await get('meta-data')).toEqual([200, `instance-id: ${machine.id}\nlocal-hostname: host-${macs}\n`])
    expect(await get('vendor-data')).toEqual([200, ''])
    expect((await get('network-config'))[0]).toBe(404)
  })
})

describe('an answer file is refused', () => {
  const status = async (url: string) => (await fetch(url)).status

  test('without the token of a boot', async () => {
    await enter()
    const url = urlIn(await boot())
    for (const token of ['preview', 'x', 'A'.repeat(43), mac])
      expect([token, await status(url.replace(/\/b\/[^/]+/, `/b/${token}`))]).toEqual([token, 404])
    expect(await (await fetch(`${server.url}/ipxe?mac=${mac}`)).text()).toContain('/b/preview/answer/preseed.cfg')
  })

  test('to another address than the one that fetched the script, unless told otherwise', async () => {
    await enter()
    const url = urlIn(await boot())
    await server.deps.db.execute(sql`update boots set ip = '192.0.2.99' where mac = ${mac}`)
    expect(await status(url)).toBe(403)
    server.deps.settings.answersToAnyAddress = true
    expect(await status(url)).toBe(200)
    server.deps.settings.answersToAnyAddress = false
  })

  test.each(['installed', 'failed', 'booted'])('after the boot reported %s', async (what) => {
    await enter()
    const script = await boot()
    expect(await status(urlIn(script))).toBe(200)
    await report(tokenIn(script), what)
    expect(await status(urlIn(script))).toBe(403)
  })

  test('after two days', async () => {
    await enter()
    const url = urlIn(await boot())
    const old = server.deps.sealer.tokenOf(v7({ msecs: Date.now() - 49 * 3_600_000 }))
    expect(await status(url.replace(tokenIn(url), old))).toBe(404)
  })

  test('after a newer boot got past its script, and not because a client fetched a script', async () => {
    await enter()
    const first = await boot()
    const second = await boot()
    expect(await status(urlIn(first))).toBe(200)
    await report(tokenIn(second), 'ready')
    expect(await status(urlIn(first))).toBe(403)
    expect(await status(urlIn(second))).toBe(200)
  })

  test('for a document that it does not have, and HEAD records nothing', async () => {
    await enter()
    const url = urlIn(await boot())
    expect(await status(url.replace('preseed.cfg', 'other.cfg'))).toBe(404)
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(200)
    expect(await lastBoot()).toMatchObject({ stage: 'script' })
  })
})

describe('the record of a boot', () => {
  test('has its script, without the token', async () => {
    await enter()
    const script = await boot()
    const [found] = await server.deps.db.select().from(boots).where(eq(boots.mac, mac))
    expect(found?.script).toBe(script.replaceAll(tokenIn(script), '…'))
    expect(JSON.stringify(found)).not.toContain('hunter2')
  })
})
