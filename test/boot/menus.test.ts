import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { listBoots } from '../../src/inventory/boots/boots.ts'
import { saveImage } from '../../src/inventory/images/images.ts'
import { findMachine, saveMachine } from '../../src/inventory/machines/machines.ts'
import { saveMenu } from '../../src/inventory/machines/menus.ts'
import { savePolicy } from '../../src/inventory/machines/policy.ts'
import { bootAsIpxe, getAsIpxe, startTestBootServer, type TestBootServer } from '../helpers/boot-server.ts'

let server: TestBootServer
let mac: string
let macs = 0x3000

beforeAll(async () => {
  server = await startTestBootServer()
  const { db } = server.deps
  const kernel = await server.addFile('linux', Buffer.from('kernel'))
  const linux = { kind: 'linux' as const, kernel, initrds: [], args: ['x={{ boot.url }}'] }
  await saveImage(db, 'debian-12', { variants: [{ ...linux, arch: 'x86_64' }] }, {}, 'tester')
  await saveImage(db, 'only-arm', { variants: [{ ...linux, arch: 'arm64' }] }, {}, 'tester')
  const content = { title: 'Sub', timeoutSeconds: null, defaultEntry: null }
  await saveMenu(db, 'sub', { ...content, entries: [{ name: 'again', text: 'Again', kind: 'reboot' }] }, {}, 'tester')
  await saveMenu(
    db,
    'main',
    {
      title: 'Main menu',
      timeoutSeconds: 15,
      defaultEntry: 'disk',
      entries: [
        { name: 'disk', text: 'The own disk', kind: 'local' },
        { name: 'install', text: 'Install Debian', kind: 'image', image: 'debian-12', args: ['y=menu'], hotkey: 'i' },
        { name: 'arm', text: 'Only for arm64', kind: 'image', image: 'only-arm' },
        { name: 'shell', text: 'A shell', kind: 'shell' },
        { name: 'more', text: 'More', kind: 'menu', menu: 'sub' },
      ],
    },
    {},
    'tester',
  )
  await savePolicy(db, { kind: 'menu', menu: 'main' }, 'tester')
})
afterAll(() => server.stop())
beforeEach(() => {
  macs += 1
  mac = `52:54:00:00:${(macs >> 8).toString(16).padStart(2, '0')}:${(macs & 255).toString(16).padStart(2, '0')}`
})

const menu = (arch = 'x86_64') => bootAsIpxe(server, `mac=${mac}&platform=efi&buildarch=${arch}`)
const choose = (script: string, entry: string) =>
  getAsIpxe((/chain .*?(http:\S+)\$\{entry\}/.exec(script)?.[1] as string) + entry)
const boots = async () => {
  const machine = await findMachine(server.deps.db, { mac })
  return (await listBoots(server.deps.db, { machineId: machine?.id }, 10)).reverse()
}

describe('a menu', () => {
  test('is shown with its title, its texts, its default and its timeout, to a machine that can boot its entries', async () => {
    const script = await menu()
    expect(script).toContain('\nmenu Main menu\nitem disk The own disk\nitem --key i install Install Debian\n')
    expect(script).toContain('\nchoose --timeout 15000 --default disk entry || goto menu\n')
    expect(script).not.toContain('item arm')
    expect(script).toContain('# lost: entry arm of menu main: hidden: image only-arm has no variant for x86_64 efi\n')
    mac = mac.replace('52:54', '52:55')
    expect(await menu('arm64')).toContain('\nitem arm Only for arm64\n')
  })

  test('opens a new boot for the chosen entry', async () => {
    const script = await choose(await menu(), 'install')
    expect(script).toMatch(/\nkernel --name kernel http:\S+ x=http:\S+\/b\/[\w-]{43} y=menu \|\| goto failed\n/)
    expect(script).toContain('# won: entry install of menu main: a person chose it at the machine\n')
    const [shown, chosen] = await boots()
    expect([shown?.outcome, shown?.image]).toEqual(['superseded', null])
    expect([chosen?.outcome, chosen?.image]).toEqual([null, 'debian-12'])
  })

  test.each([
    ['disk', '\nexit 1\n', null],
    ['shell', '\nshell ||\n', 'handed-over'],
    ['more', '\nmenu Sub\nitem again Again\nchoose entry || goto menu\n', null],
  ])('%s does what it says', async (entry, text, outcome) => {
    expect(await choose(await menu(), entry)).toContain(text)
    expect((await boots()).at(-1)?.outcome).toBe(outcome)
  })

  test('leads to another menu, whose entries are chosen there', async () => {
    const sub = await choose(await menu(), 'more')
    expect(await choose(sub, 'again')).toContain('\nreboot || exit 1\n')
  })

  test('refuses an entry that it does not show, on the screen', async () => {
    const script = await choose(await menu(), 'arm')
    expect(script).toContain('Bootwright: menu main has no entry arm for this machine')
  })

  test('requires the token of the boot that showed it', async () => {
    const shown = await menu()
    const url = /chain .*?(http:\S+)\$\{entry\}/.exec(shown)?.[1] as string
    const status = async (address: string) => (await fetch(address)).status
    expect(await status(`${url.replace(/\/b\/[^/]+/, '/b/preview')}install`)).toBe(404)
    expect(await status(`${url.replace(/\/b\/[^/]+/, `/b/${'A'.repeat(43)}`)}install`)).toBe(404)
    const linux = await choose(shown, 'install')
    const token = /\/b\/([\w-]{43})/.exec(linux)?.[1]
    expect(await status(`${server.url}/b/${token}/menu/install`)).toBe(404)
  })

  test('is weaker than the assignment of the machine', async () => {
    await saveMachine(server.deps.db, { mac }, { assignment: { local: true } }, {}, 'tester')
    expect(await menu()).toContain('boots from its local disk')
  })
})
