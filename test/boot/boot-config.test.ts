import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { saveAnswerFile } from '../../src/inventory/images/answer-files.ts'
import { saveImage } from '../../src/inventory/images/images.ts'
import { saveGroup } from '../../src/inventory/machines/groups.ts'
import { saveMachine } from '../../src/inventory/machines/machines.ts'
import { renderBootConfig } from '../../src/render/boot-config.ts'
import { bootAsIpxe, sha256, startTestBootServer, type TestBootServer } from '../helpers/boot-server.ts'

const mac = '52:54:00:00:e5:01'
const config =
  'title=Loading ESXi installer\nkernel=/k.b00\nkernelopt=runweasel cdromBoot\nmodules=/a.gz --- /b.gz x=1\n'
const program = Buffer.from('mboot')
let server: TestBootServer
const script = (query = '') => bootAsIpxe(server, `mac=${mac}&platform=efi&buildarch=x86_64${query}`)

beforeAll(async () => {
  server = await startTestBootServer()
  const { db } = server.deps
  const file = await server.addFile('mboot.efi', program)
  await server.addFile('boot.cfg', Buffer.from(config))
  await server.addFile('k.b00', Buffer.from('the kernel'))
  const tree = [
    { path: 'efi/mboot.efi', sha256: file.sha256 },
    { path: 'boot.cfg', sha256: sha256(Buffer.from(config)) },
    { path: 'k.b00', sha256: sha256(Buffer.from('the kernel')) },
  ]
  const args = ['{% if boot.answer_url %}ks={{ boot.answer_url }}{% endif %}', 'console=vga']
  const efi = { arch: 'x86_64' as const, kind: 'efi' as const, file, args }
  await saveImage(db, 'esxi', { variants: [{ ...efi, tree, bootConfig: 'boot.cfg' }] }, {}, 'tester')
  await saveImage(db, 'shim', { variants: [{ ...efi, args: ['one'], tree }] }, {}, 'tester')
  await saveAnswerFile(
    db,
    'ks',
    {
      documents: [{ name: 'ks.cfg', mediaType: 'text/plain', text: 'rootpw {{ machine.mac }}' }],
    },
    {},
    'tester',
  )
  await saveGroup(
    db,
    'serial',
    {
      title: '',
      priority: 0,
      selector: [],
      assignment: { args: ['gdbPort=none'], withoutArgs: ['console=*'] },
    },
    {},
    'tester',
  )
  await saveMachine(db, { mac }, { assignment: { image: 'esxi', answerFile: 'ks', everyBoot: true } }, {}, 'tester')
})
afterAll(() => server.stop())

describe("VMware's mboot.efi", () => {
  test('is fetched from its tree, and gets the boot.cfg of its boot: prefix, all options, the kickstart', async () => {
    const text = await script()
    const [, url = '', base = ''] =
      /^kernel --name mboot\.efi ((\S+)\/efi\/mboot\.efi\?boot=\S+&stage=file) -c \S+ /m.exec(text) ?? []
    expect(await (await fetch(url)).text()).toBe('mboot')
    expect(await (await fetch(`${base}/k.b00`)).text()).toBe('the kernel')
    const where = / -c (\S+) /.exec(text)?.[1] ?? ''
    expect(where).toMatch(new RegExp(`^${server.url}/b/[\\w-]{43}/boot\\.cfg$`))
    const answer = await fetch(where)
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'no-store'])
    const kickstart = where.replace('boot.cfg', 'answer/ks.cfg')
    expect(await answer.text()).toBe(
      `title=Loading ESXi installer\nprefix=${base}\nkernelopt=runweasel ks=${kickstart} gdbPort=none\nkernel=k.b00\nmodules=a.gz --- b.gz x=1\n`,
    )
    expect(await (await fetch(kickstart)).text()).toBe(`rootpw ${mac}`)
  })

  test('gets no boot.cfg by an invalid token, or of another kind of boot', async () => {
    expect((await fetch(`${server.url}/b/preview/boot.cfg`)).status).toBe(404)
    await saveMachine(server.deps.db, { mac: '52:54:00:00:e5:02' }, { assignment: { local: true } }, {}, 'tester')
    const local = await bootAsIpxe(server, `mac=52-54-00-00-e5-02&platform=efi`)
    const token = /\/b\/([\w-]{43})\//.exec(local)?.[1]
    expect((await fetch(`${server.url}/b/${token}/boot.cfg`)).status).toBe(404)
  })
})

test('another EFI program with a tree gets its arguments on its own line', async () => {
  const other = '52:54:00:00:e5:03'
  await saveMachine(server.deps.db, { mac: other }, { assignment: { image: 'shim' } }, {}, 'tester')
  const text = await bootAsIpxe(server, `mac=${other}&platform=efi&buildarch=x86_64`)
  expect(text).toMatch(
    /^kernel --name mboot\.efi \S+\/trees\/shim\/1\/\w{16}\/efi\/mboot\.efi\S+ one gdbPort=none \|\|/m,
  )
})

test.each<[string, string]>([
  ['kernel=k\nmodules=a\n', 'prefix=http://h/t\nkernelopt=x=1 y\nkernel=k\nmodules=a\n'],
  [
    '\ufefftitle=T\r\nprefix=/old\r\nkernelopt=\r\nkernel=//k\r\n',
    'title=T\nprefix=http://h/t\nkernelopt=x=1 y\nkernel=k\n',
  ],
  ['modules=/a --- /sub/b\nkernel=/k', 'modules=a --- sub/b\nprefix=http://h/t\nkernelopt=x=1 y\nkernel=k'],
])('a boot.cfg %j is filled in', (text, filled) => {
  expect(renderBootConfig(text, 'http://h/t', ['x=1', 'y'])).toBe(filled)
})
