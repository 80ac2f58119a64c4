import { execFileSync } from 'node:child_process'
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { sha256 } from '../../helpers/boot-server.ts'
import { type Operator, startOperator } from '../../helpers/operator.ts'

let operator: Operator
const at = (...names: string[]) => join(operator.folder, 'in', ...names)
beforeAll(async () => {
  operator = await startOperator()
})
afterAll(() => operator.stop())

const image = (...argv: string[]) => operator.run('image', ...argv)
const put = async (files: Record<string, string>) => {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(at(path)), { recursive: true })
    await writeFile(at(path), text)
  }
}
const variants = async (name: string) => JSON.parse((await image('show', name, '--json')).out).variants
const stored = async () => (await readdir(join(operator.folder, 'files'), { recursive: true })).length

test('links to folders are followed once; loops and dangling links are reported and left out', async () => {
  await put({ 'disc/releases/13/amd64/linux': 'kernel 13', 'disc/releases/13/amd64/initrd.gz': 'initrd 13' })
  await mkdir(at('disc/debian-installer'))
  await symlink('../releases/13/amd64', at('disc/debian-installer/amd64'))
  await symlink('.', at('disc/debian'))
  await symlink('nowhere', at('disc/doc'))
  await symlink('circle', at('disc/circle'))
  const { exitCode, err } = await image('import', at('disc'), '--name', 'linked')
  for (const line of ['debian: a link to a folder that it is in', 'doc: a link that leads to nothing'])
    expect(err).toContain(`${at('disc')}: left out ${line}\n`)
  expect(err).toContain(`${at('disc')}: left out circle: a link that leads to itself\n`)
  expect(exitCode).toBe(0)
  expect(await variants('linked')).toMatchObject([
    { arch: 'x86_64', kernel: { sha256: sha256(Buffer.from('kernel 13')) } },
  ])
})

test('an installer that is reached by two paths is imported once', async () => {
  await put({ 'twice/13/debian-installer/arm64/linux': 'k', 'twice/13/debian-installer/arm64/initrd.gz': 'i' })
  await symlink('13', at('twice/stable'))
  expect(await image('import', at('twice'), '--name', 'twice')).toMatchObject({ exitCode: 0 })
  expect(await variants('twice')).toHaveLength(1)
})

test('an empty file, a device or a dangling link that an image needs is refused before the upload', async () => {
  await put({ 'bad/debian-installer/amd64/initrd.gz': 'some bytes that are nowhere else' })
  const kernel = at('bad/debian-installer/amd64/linux')
  const makers = [
    [() => writeFile(kernel, ''), 'an empty file'],
    [() => symlink('/nowhere/linux', kernel), 'a link that leads to nothing'],
    [() => execFileSync('mkfifo', [kernel]), 'a device, a pipe or a socket'],
  ] as const
  for (const [make, why] of makers) {
    execFileSync('rm', ['-f', kernel])
    await make()
    const before = await stored()
    const { exitCode, err } = await image('import', at('bad'))
    expect({ exitCode, err }).toEqual({ exitCode: 1, err: expect.stringContaining(`got "${why}"`) })
    expect(err).toContain('debian-installer/amd64/linux: expected a file')
    expect(await stored()).toBe(before)
  }
})

test.each<[string, Record<string, string>, string[]]>([
  [
    'two of one family',
    {
      'bookworm/debian-installer/amd64/linux': 'k12',
      'bookworm/debian-installer/amd64/initrd.gz': 'i12',
      'trixie/netboot/debian-installer/amd64/linux': 'k13',
      'trixie/netboot/debian-installer/amd64/initrd.gz': 'i13',
    },
    ['bookworm', 'trixie/netboot'],
  ],
  [
    'two of different families',
    {
      'bookworm/debian-installer/amd64/linux': 'k12',
      'bookworm/debian-installer/amd64/initrd.gz': 'i12',
      'el9/images/pxeboot/vmlinuz': 'k9',
      'el9/images/pxeboot/initrd.img': 'i9',
      'el9/images/install.img': 's9',
    },
    ['bookworm', 'el9'],
  ],
])('a folder with %s names the folders to choose from, and uploads nothing', async (name, files, folders) => {
  const root = name.replaceAll(' ', '-')
  await put(Object.fromEntries(Object.entries(files).map(([path, text]) => [`${root}/${path}`, text])))
  const before = await stored()
  expect(await image('import', at(root))).toEqual({
    exitCode: 1,
    out: '',
    err: `bootwright: ${at(root)}: it has several systems. Import one of its folders:${folders.map((item) => `\n  bootwright image import ${at(root, item)}`).join('')}\n`,
  })
  expect(await stored()).toBe(before)
  expect((await image('import', at(root, 'bookworm'), '--name', `of-${root}`)).exitCode).toBe(0)
})

test('a folder of no family names the command that adds its kernel and initrd by hand', async () => {
  await put({ 'Odd OS/boot/vmlinuz-9': 'k', 'Odd OS/boot/initramfs-9.img': 'i', 'Odd OS/README': 'r' })
  expect((await image('import', at('Odd OS'))).err).toContain(
    'add them: bootwright image add odd-os --kernel boot/vmlinuz-9 --initrd boot/initramfs-9.img --arg ARGUMENT\n',
  )
})

test('a tree is added from a folder with links', async () => {
  await put({ vmlinuz: 'k', 'tree/packages/a.rpm': 'rpm' })
  await symlink('packages', at('tree/Packages'))
  await symlink('..', at('tree/packages/up'))
  await symlink('missing', at('tree/gone'))
  const { err } = await image('add', 'treed', '--kernel', at('vmlinuz'), '--tree', at('tree'))
  expect(err).toContain(`${at('tree')}: left out packages/up: a link to a folder that it is in\n`)
  expect(err).toContain(`${at('tree')}: left out gone: a link that leads to nothing\n`)
  const paths = (await variants('treed'))[0].tree.map(({ path }: { path: string }) => path)
  expect(paths).toEqual(['Packages/a.rpm', 'packages/a.rpm'])
})
