import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { listBoots } from '../../src/inventory/boots/boots.ts'
import { listBootEvents } from '../../src/inventory/boots/events.ts'
import { saveImage } from '../../src/inventory/images/images.ts'
import { findMachine, saveMachine } from '../../src/inventory/machines/machines.ts'
import { deleteSecret, saveSecret } from '../../src/inventory/machines/secrets.ts'
import { bootAsIpxe, nextStepOf, startTestBootServer, type TestBootServer, unwrapped } from '../helpers/boot-server.ts'

let server: TestBootServer
let machineId: string
const mac = '52:54:00:00:50:01'
const target = 'iscsi:{{ params.portal }}::::iqn.2026-01.org.example:{{ machine.hostname }}'
const password = 'pass-word-of-12'

beforeAll(async () => {
  server = await startTestBootServer()
  const { db } = server.deps
  const chap = {
    username: '{{ secrets.chap_user }}',
    password: 'chap_password',
    reverse: { username: 'target', password: 'chap_reverse' },
  }
  await saveImage(db, 'san', { variants: [{ arch: 'x86_64', kind: 'sanboot', target, chap }] }, {}, 'tester')
  await saveImage(db, 'open-san', { variants: [{ arch: 'x86_64', kind: 'sanboot', target }] }, {}, 'tester')
})
afterAll(() => server.stop())
beforeEach(async () => {
  const { db } = server.deps
  const params = { portal: '192.0.2.7' }
  const { machine } = await saveMachine(
    db,
    { mac },
    { hostname: 'web1', assignment: { image: 'san', params } },
    {},
    'tester',
  )
  machineId = machine.id
  await setSecret('chap_user', 'user1')
  await setSecret('chap_password', password)
  await setSecret('chap_reverse', 'reverse-of-12')
})

const owner = () => ({ kind: 'machine' as const, id: machineId })
const setSecret = (name: string, value: string) =>
  saveSecret(server.deps.db, server.deps.sealer, owner(), name, value, 'tester')
const boot = async () =>
  unwrapped(await bootAsIpxe(server, `mac=${mac}&platform=pcbios&buildarch=x86_64&cpuarch=x86_64`))
const urlIn = (script: string) => /http:\S+\/san\.ipxe/.exec(script)?.[0] as string
const status = async (url: string) => (await fetch(url)).status
const report = (url: string, what: string) => fetch(url.replace('san.ipxe', what))
const lastBoot = async () => {
  const machine = await findMachine(server.deps.db, { mac })
  const [last] = await listBoots(server.deps.db, { machineId: machine?.id }, 1)
  return last
}

describe('what an iSCSI target is shown', () => {
  test('is in no script that a MAC address opens, and in that of the boot', async () => {
    const script = await boot()
    for (const text of [script, await (await fetch(`${server.url}/ipxe?mac=${mac}`)).text()]) {
      expect(text).toContain('/san.ipxe || goto failed')
      for (const secret of ['user1', password, 'reverse-of-12', 'iscsi:']) expect(text).not.toContain(secret)
    }
    const response = await fetch(urlIn(script))
    expect([response.status, response.headers.get('cache-control')]).toEqual([200, 'no-store'])
    const lines = (await response.text()).split('\n')
    expect(lines.slice(0, 6)).toEqual([
      '#!ipxe',
      'set username user1',
      `set password ${password}`,
      'set reverse-username target',
      'set reverse-password reverse-of-12',
      'sanboot --drive 0x80 iscsi:192.0.2.7::::iqn.2026-01.org.example:web1 || goto failed',
    ])
    for (const name of ['username', 'password', 'reverse-username', 'reverse-password'])
      expect(lines).toContain(`clear ${name} ||`)
    await server.deps.inventory.events.flush()
    const opened = await lastBoot()
    const events = await listBootEvents(server.deps.db, opened?.id as string)
    expect(events.map(({ stage, file }) => [stage, file])).toEqual([
      ['script', undefined],
      ['file', 'san.ipxe'],
    ])
    expect(JSON.stringify(opened)).not.toContain(password)
  })

  test('is not needed where the target asks for nothing: the script names it', async () => {
    await saveMachine(
      server.deps.db,
      { mac },
      { assignment: { image: 'open-san', params: { portal: '[2001:db8::1]' } } },
      {},
      'tester',
    )
    const script = await boot()
    expect(script).toContain(
      '\nsanboot --drive 0x80 iscsi:[2001:db8::1]::::iqn.2026-01.org.example:web1 || goto failed\n',
    )
    const token = /\/b\/([\w-]{43})\//.exec(script)?.[1]
    expect(await (await fetch(`${server.url}/b/${token}/san.ipxe`)).text()).not.toContain(password)
  })

  test('leaves the boot handed over, and failed when iPXE comes back', async () => {
    const url = urlIn(await boot())
    await fetch(url)
    await report(url, 'ready')
    expect(await lastBoot()).toMatchObject({ outcome: 'handed-over' })
    await report(url, 'failed?message=iPXE')
    expect(await lastBoot()).toMatchObject({ outcome: 'failed', message: 'iPXE' })
  })
})

describe('a refusal on the screen', () => {
  test.each<[string, () => Promise<unknown>, RegExp, string]>([
    [
      'a secret that is not set',
      () => deleteSecret(server.deps.db, owner(), 'chap_password', 'tester'),
      /secret chap_password: expected a secret that is set/,
      `bootwright secret set chap_password --machine ${mac}`,
    ],
    [
      'a user name that is not set',
      () => deleteSecret(server.deps.db, owner(), 'chap_user', 'tester'),
      /chap\.username: .*secrets\.chap_user is not set/,
      `bootwright secret set chap_user --machine ${mac}`,
    ],
    [
      'a param that is not set',
      () =>
        saveMachine(server.deps.db, { mac }, { assignment: { image: 'san', params: { portal: null } } }, {}, 'tester'),
      /target: .*params\.portal is not set/,
      `bootwright machine set ${mac} --param portal=VALUE`,
    ],
    [
      'a target that is none',
      () =>
        saveMachine(server.deps.db, { mac }, { assignment: { image: 'san', params: { portal: 'a:b' } } }, {}, 'tester'),
      /target: expected iscsi:SERVER:PROTOCOL:PORT:LUN:IQN/,
      `bootwright explain ${mac}`,
    ],
  ])('names %s', async (_, change, reason, nextStep) => {
    await change()
    const script = await boot()
    expect(script).toMatch(reason)
    expect(nextStepOf(script)).toContain(nextStep)
    expect(script).not.toContain('sanboot')
    expect(await lastBoot()).toMatchObject({ outcome: 'failed' })
  })

  test.each(['with space 1', '${net0/mac}-1', '-begins-with', '#begins-with', 'ends-with-\\', 'ümlaut-in-it', '||'])(
    'names a password that iPXE cannot be given, and never says it: %s',
    async (value) => {
      await setSecret('chap_password', value)
      const url = urlIn(await boot())
      const text = await (await fetch(url)).text()
      expect(text).toContain('secret chap_password: expected a single word for an iPXE script')
      expect(text).not.toContain('sanboot')
      expect(text).not.toContain(`set password`)
      expect(value === '||' || !text.includes(value)).toBe(true)
      const opened = await lastBoot()
      expect(opened).toMatchObject({ outcome: 'failed', message: expect.stringContaining('secret chap_password') })
      expect(value === '||' || !opened?.message?.includes(value)).toBe(true)
      expect(await status(url)).toBe(403)
    },
  )
})

describe('san.ipxe is refused', () => {
  test('without the token of a boot', async () => {
    const url = urlIn(await boot())
    for (const token of ['preview', 'x', 'A'.repeat(43), mac])
      expect([token, await status(url.replace(/\/b\/[^/]+/, `/b/${token}`))]).toEqual([token, 404])
  })

  test('to another address than the one that fetched the script', async () => {
    const url = urlIn(await boot())
    await server.deps.db.execute(sql`update boots set ip = '192.0.2.99' where mac = ${mac}`)
    expect(await status(url)).toBe(403)
  })

  test('once iPXE has gone on, or the machine has booted anew', async () => {
    const first = urlIn(await boot())
    const second = urlIn(await boot())
    expect(await status(first)).toBe(200)
    await report(second, 'ready')
    expect([await status(first), await status(second)]).toEqual([403, 403])
  })

  test('for a boot from something else', async () => {
    await saveMachine(server.deps.db, { mac }, { assignment: { local: true } }, {}, 'tester')
    const token = /\/b\/([\w-]{43})\//.exec(await boot())?.[1]
    expect(await status(`${server.url}/b/${token}/san.ipxe`)).toBe(404)
  })
})
