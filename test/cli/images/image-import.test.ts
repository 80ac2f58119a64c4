import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { debianFile, isReal } from '../../helpers/debian.ts'
import { hasTool } from '../../helpers/needs.ts'
import { type Operator, startOperator } from '../../helpers/operator.ts'
import { type Rough, type RoughWeb, startRoughWeb } from '../../helpers/rough-web.ts'

const memtest = debianFile('memtest')
const canOpenIsos = (existsSync('/usr/bin/7z') || hasTool('7zz', '7zip')) && isReal('memtest')
const script = Buffer.from('#!ipxe\necho hello\n')
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

let operator: Operator
let web: RoughWeb
let behave: (path: string, times: number) => Rough = () => ({})
beforeAll(async () => {
  operator = await startOperator()
  web = await startRoughWeb({ '/hello.ipxe': script, '/m/linux': randomBytes(300_000) }, (...asked) => behave(...asked))
  await mkdir(join(operator.folder, 'recipes'))
  const recipe = (endOfLife: string) => `
title: Little
family: debian
endOfLife: ${endOfLife}
mirror: { name: little, url: ${web.url}/nothing }
notes: [It is little.]
variants:
  - { arch: x86_64, kind: linux, kernel: { url: '{{mirror}}/linux' } }
  - { arch: arm64, kind: linux, kernel: { url: '{{mirror}}/linux' } }
`
  await writeFile(join(operator.folder, 'recipes/little.yaml'), recipe('2001-01-01'))
  await writeFile(
    join(operator.folder, 'recipes/soon.yaml'),
    recipe(new Date(Date.now() + 5 * 86_400_000).toISOString().slice(0, 10)),
  )
  await writeFile(join(operator.folder, 'recipes/wrong.yaml'), 'title: [')
})
afterAll(async () => {
  await web.stop()
  await operator.stop()
})

const image = (...argv: string[]) => operator.run('image', ...argv)

test('image import follows the download of a URL to its end', async () => {
  expect(await image('import', `${web.url}/hello.ipxe?key=geheim`, '--name', 'hello', '--arch', 'arm64')).toEqual({
    exitCode: 0,
    out: 'hello version 1: arm64 any platform\n',
    err: `import hello: done, from ${web.url}/hello.ipxe\nboot it: bootwright machine set MAC --image hello\n`,
  })
  expect(await image('import', `${web.url}/none.iso`)).toEqual({
    exitCode: 1,
    out: '',
    err: `bootwright: ${web.url}/none.iso answered 404 Not Found\n`,
  })
  const wrong = '0'.repeat(64)
  expect((await image('import', `${web.url}/hello.ipxe#sha256=${wrong}`)).err).toContain(
    `expected sha256 ${wrong}, got `,
  )
})

test('image import need not wait, and imports are listed and cancelled', async () => {
  behave = () => ({ stallAfter: 5 })
  const { exitCode, out, err } = await image('import', `${web.url}/hello.ipxe`, '--name', 'later', '--no-wait')
  const id = out.trim()
  expect({ exitCode, err }).toEqual({
    exitCode: 0,
    err: `the import continues on the server; to see its progress: bootwright image imports; to cancel it: bootwright image imports cancel ${id}\n`,
  })
  await expect
    .poll(async () => (await image('imports')).out)
    .toMatch(new RegExp(`^${id}  later  running  ${web.url}/hello.ipxe  .*Z  downloading hello.ipxe`, 'm'))
  expect(await image('imports', 'cancel', id)).toEqual({ exitCode: 0, out: '', err: `import ${id} cancelled\n` })
  expect((await image('imports')).out).toMatch(new RegExp(`^${id} .*cancelled`, 'm'))
  behave = () => ({})
})

test('image add imports a recipe from a mirror for some architectures, and warns of its end of life', async () => {
  expect(await image('add', 'little', '--mirror', `${web.url}/m`, '--arch', 'arm64', '--title', 'Mine')).toEqual({
    exitCode: 0,
    out: 'little version 1: arm64 any platform\n',
    err: [
      'little: reached end of life on 2001-01-01',
      'import little: done, from recipe little',
      'It is little.',
      'boot it: bootwright machine set MAC --image little\n',
    ].join('\n'),
  })
  expect((await image('add', 'other', '--recipe', 'soon', '--mirror', `${web.url}/m`)).out).toBe(
    'other version 1: x86_64 any platform, arm64 any platform\n',
  )
  expect((await image('add', 'little')).err).toContain(`${web.url}/nothing/linux answered 404 Not Found\n`)
})

test('recipes are listed with their end of life and their faults', async () => {
  const { out, err } = await image('recipes')
  expect(out).toMatch(/^NAME +TITLE +ARCHS +FROM +END OF LIFE\n/)
  expect(out).toMatch(/^little +Little +x86_64 arm64 +data-folder +reached end of life on 2001-01-01$/m)
  expect(out).toMatch(/^soon +Little +x86_64 arm64 +data-folder +ends 20\d\d-\d\d-\d\d \(in [56] days\)$/m)
  expect(out).toMatch(/^debian-12 +Debian 12/m)
  expect(err).toMatch(/recipes\/wrong.yaml: /)
})

test('a recipe of the operator is set, shown, replaced and deleted', async () => {
  const recipe = (...args: string[]) => operator.run('recipe', ...args)
  const file = join(operator.folder, 'mine.yaml')
  await writeFile(file, '# Ours.\ntitle: Mine\nfamily: tools\nvariants: [{ kind: floppy }]\n')
  expect(await recipe('set', 'memtest86plus', file)).toMatchObject({
    exitCode: 1,
    err: `bootwright: ${file}: variants[0].kind: expected linux, efi, ipxe, sanboot or archive, got "floppy"\n`,
  })
  const text =
    "# Ours.\ntitle: Mine\nfamily: tools\nvariants: [{ kind: efi, arch: x86_64, file: { url: 'http://192.0.2.1/x.efi' } }]\n"
  await writeFile(file, text)
  expect(await recipe('set', 'memtest86plus', file)).toMatchObject({
    exitCode: 0,
    out: 'recipe memtest86plus is saved. To add its image: bootwright image add memtest86plus\n',
  })
  expect((await recipe('show', 'memtest86plus')).out).toBe(text)
  expect((await recipe('list')).out).toMatch(/^memtest86plus +Mine +x86_64 +database/m)
  expect((await recipe('delete', 'memtest86plus')).err).toBe('recipe memtest86plus deleted\n')
  expect((await recipe('list')).out).toMatch(/^memtest86plus +Memtest86\+.* +shipped/m)
  expect((await recipe('show', 'little')).out).toContain('title: Little')
})

test.runIf(canOpenIsos)('a local ISO is uploaded and imported', async () => {
  const iso = join(operator.folder, 'memtest.iso')
  await writeFile(iso, memtest)
  const { exitCode, out, err } = await image('import', iso, '--name', 'memory')
  expect({ exitCode, out }).toEqual({ exitCode: 0, out: expect.stringMatching(/^memory version 1: x86_64/) })
  expect(err).toContain(
    `ISO memtest.iso: 6.2 MB, sha256 ${sha256(memtest)}, uploaded\nimport memory: done, from memtest.iso\n`,
  )
})

test('the detected files of a folder are uploaded', async () => {
  const netboot = join(operator.folder, 'netboot/debian-installer/amd64')
  await mkdir(netboot, { recursive: true })
  const [linux, initrd] = [randomBytes(200_000), randomBytes(9_000_000)]
  await writeFile(join(netboot, 'linux'), linux)
  await writeFile(join(netboot, 'initrd.gz'), initrd)
  const { exitCode, out, err } = await image('import', join(operator.folder, 'netboot'), '--name', 'mine')
  expect({ exitCode, out, err }).toMatchObject({
    exitCode: 0,
    out: 'mine version 1: x86_64 any platform\n',
    err: expect.anything(),
  })
  const { store } = operator.boot.deps
  for (const bytes of [linux, initrd]) expect(await store.size(sha256(bytes))).toBe(bytes.length)
  expect(await image('import', join(operator.folder, 'netboot'), '--name', 'My Image')).toEqual({
    exitCode: 1,
    out: '',
    err: expect.stringMatching(/^bootwright: name: expected the name of an image: .* got "My Image"\n$/),
  })
  await mkdir(join(operator.folder, 'empty'))
  expect((await image('import', join(operator.folder, 'empty'))).err).toContain(
    'empty: no family of systems was recognised',
  )
})

test('a folder is detected by a text file of normal size', async () => {
  const boot = join(operator.folder, 'alpine/boot')
  await mkdir(boot, { recursive: true })
  for (const name of ['vmlinuz-lts', 'initramfs-lts', 'modloop-lts']) await writeFile(join(boot, name), name)
  await writeFile(join(boot, 'config-6.12'), `# Linux/arm64 6.12.1 Kernel Configuration\n${'#\n'.repeat(100_000)}`)
  expect((await image('import', join(operator.folder, 'alpine'))).out).toBe('alpine version 1: arm64 any platform\n')
  expect((await image('versions', 'alpine')).out).toMatch(/ folder alpine /)
})

test.runIf(canOpenIsos)('the notes about a disc are printed after its import', async () => {
  const disc = join(operator.folder, 'disc')
  await mkdir(join(disc, 'install.amd'), { recursive: true })
  for (const name of ['vmlinuz', 'initrd.gz']) await writeFile(join(disc, 'install.amd', name), name)
  const tar = join(operator.folder, 'disc.tar')
  execFileSync('tar', ['-cf', tar, '-C', disc, 'install.amd'])
  expect((await image('import', tar, '--name', 'disc')).err).toMatch(
    /^import disc: done, from disc.tar\nThis is the initrd of a disc: .*\nOver the network, .*\ninstall it once: bootwright deployment arm MAC --image disc --answer-file NAME$/m,
  )
  expect((await image('imports')).out).toMatch(/ disc +done .* version 1$/m)
})

test('the upload of a large file resumes after an interruption', async () => {
  const bytes = randomBytes(20_000_000)
  const path = join(operator.folder, 'large')
  await writeFile(path, bytes)
  const partial = await operator.partials.open(`upload-${sha256(bytes)}`)
  await partial.append(bytes.subarray(0, 15_000_000))
  await partial.close()
  expect((await image('add', 'large', '--ipxe', path)).err).toContain(`sha256 ${sha256(bytes)}, uploaded\n`)
  const file = await operator.boot.deps.store.open(sha256(bytes))
  const whole = Buffer.alloc(bytes.length)
  for (let at = 0; at < whole.length; ) at += (await file?.read(whole.subarray(at), at)) ?? whole.length
  await file?.close()
  expect(sha256(whole)).toBe(sha256(bytes))
})

test.each([
  [['/nowhere.iso'], 1, '/nowhere.iso: no such file or folder'],
  [['ftp://x/y'], 2, 'Expected a path, or an http or https URL.'],
  [['http://x/y.iso', '--sha256', '12'], 2, 'Expected 64 hexadecimal digits.'],
  [['http://x/y.iso', '--arch', 'mips'], 2, 'Expected one of x86_64'],
  [['http://x/disk.img'], 1, 'url: expected the URL of an ISO'],
])('image import %j has exit code %i: %s', async (argv, exitCode, message) => {
  const result = await image('import', ...argv)
  expect(result.exitCode).toBe(exitCode)
  expect(result.err).toContain(message)
})
