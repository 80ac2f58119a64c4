import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createCleartextMessage, generateKey, readPrivateKey, sign } from 'openpgp'
import { afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { loadCatalog } from '../../src/inventory/boots/catalog.ts'
import { recordDamage, saveFile } from '../../src/inventory/images/files.ts'
import { findImage, listImages, patchImage, saveImage } from '../../src/inventory/images/images.ts'
import { cancelImport, findImport, listImports } from '../../src/inventory/images/imports.ts'
import { deleteRecipeText, listRecipeImages, saveRecipeText } from '../../src/inventory/images/recipes.ts'
import { eachDatabase } from '../helpers/database.ts'
import { debianFile, isReal } from '../helpers/debian.ts'
import { openTestIntake, type TestIntake } from '../helpers/intake.ts'
import { hasTool } from '../helpers/needs.ts'
import { type Rough, type RoughWeb, startRoughWeb } from '../helpers/rough-web.ts'

const linux = debianFile('linux')
const initrd = debianFile('initrd').subarray(0, 5_000_001)
const memtest = debianFile('memtest')
const canOpenIsos = (existsSync('/usr/bin/7z') || hasTool('7zz', '7zip')) && isReal('memtest')
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
const script = Buffer.from('#!ipxe\necho hello\n')

const lists = (files: Record<string, Buffer>) =>
  Object.entries(files)
    .map(([name, bytes]) => `${sha256(bytes)}  ./${name}\n`)
    .join('')

let key: { publicKey: string; privateKey: string }
const clearSigned = async (text: string) =>
  sign({
    message: await createCleartextMessage({ text }),
    signingKeys: await readPrivateKey({ armoredKey: key.privateKey }),
  })
beforeAll(async () => {
  key = await generateKey({ type: 'ecc', curve: 'ed25519Legacy', userIDs: [{ name: 'test', email: 't@example.org' }] })
})

const recipe = `
title: A little system
family: debian
endOfLife: 2031-01-31
installer: true
mirror: { name: little, url: http://192.0.2.1/none }
version: { url: '{{mirror}}/InRelease', pattern: '^Version: (\\S+)$' }
archs: { x86_64: amd64, arm64: arm64 }
variants:
  - kind: linux
    kernel:
      url: '{{mirror}}/{{version}}/{{arch}}/linux'
      sums: &sums
        url: '{{mirror}}/{{version}}/SHA256SUMS'
        sums: { url: '{{mirror}}/InRelease', signature: inline, key: test }
    initrds: [{ url: '{{mirror}}/{{version}}/{{arch}}/initrd.gz', sums: *sums }]
    args: ['quiet']
`

eachDatabase('imports', (database) => {
  let web: RoughWeb
  let one: TestIntake
  let behave: (path: string, times: number) => Rough
  beforeEach(async () => {
    behave = () => ({})
    web = await startRoughWeb({ '/linux.efi': linux, '/hello.ipxe': script, '/memtest.iso': memtest }, (...asked) =>
      behave(...asked),
    )
    one = await openTestIntake(database(), { mirrors: { little: `${web.url}/m` } })
    await mkdir(join(one.dataDir, 'recipes/keys'), { recursive: true })
    await writeFile(join(one.dataDir, 'recipes/little.yaml'), recipe)
    await writeFile(join(one.dataDir, 'recipes/keys/test.asc'), key.publicKey)
    const files = { 'amd64/linux': linux, 'amd64/initrd.gz': initrd, 'arm64/linux': initrd, 'arm64/initrd.gz': script }
    const sums = Buffer.from(lists(files))
    for (const [name, bytes] of Object.entries(files)) web.files.set(`/m/12.5/${name}`, bytes)
    web.files.set('/m/12.5/SHA256SUMS', sums)
    const release = `Version: 12.5\nSHA256:\n ${sha256(sums)} ${sums.length} 12.5/SHA256SUMS\n`
    web.files.set('/m/InRelease', Buffer.from(await clearSigned(release)))
  })
  afterEach(async () => {
    await one.stop()
    await web.stop()
  })
  const byRecipe = { kind: 'recipe' as const, recipe: 'little' }
  const byUrl = (path: string) => ({ kind: 'url' as const, url: `${web.url}${path}`, keepIso: false })
  const stored = async (hash: string) => sha256(await readFile(join(one.dataDir, 'files', hash.slice(0, 2), hash)))

  test('a recipe: the version, the signed list of lists, the list, the files; then the image with its end of life', async () => {
    expect(await one.run(byRecipe)).toMatchObject({ state: 'done', image: 'little', version: 1, message: null })
    const image = await findImage(database(), 'little')
    const ref = (bytes: Buffer, name: string) => ({ sha256: sha256(bytes), name })
    expect(image).toMatchObject({
      title: 'A little system',
      endOfLife: '2031-01-31',
      installer: true,
      variants: [
        { arch: 'x86_64', kernel: ref(linux, 'linux'), initrds: [ref(initrd, 'initrd.gz')], args: ['quiet'] },
        { arch: 'arm64', kernel: ref(initrd, 'linux'), initrds: [ref(script, 'initrd.gz')] },
      ],
    })
    for (const bytes of [linux, initrd, script]) expect(await stored(sha256(bytes))).toBe(sha256(bytes))
    await expect.poll(one.parts).toEqual([])
    expect(await one.intake.newestVersion('little', database())).toBe('12.5')
    expect(await listRecipeImages(database())).toMatchObject([
      { recipe: 'little', name: 'little', version: 1, recipeVersion: '12.5' },
    ])
    // Once more, for one architecture: nothing is fetched that is here, and the image stays as it is.
    web.asked.length = 0
    expect(await one.run({ ...byRecipe, archs: ['arm64'] })).toMatchObject({ state: 'done', version: 1 })
    expect(web.asked.map(({ path }) => path)).toEqual(['/m/InRelease', '/m/12.5/SHA256SUMS'])
  })

  test('a recipe of the database: it replaces the file, and its keys verify the list', async () => {
    await writeFile(join(one.dataDir, 'recipes/keys/test.asc'), (await strangers()).publicKey)
    const keys = `keys:\n  test: |\n${key.publicKey.replaceAll(/^/gm, '    ')}\n`
    await saveRecipeText(database(), 'little', `${recipe.replace('A little', 'Our')}${keys}`, {}, 'tester')
    expect(await one.run(byRecipe)).toMatchObject({ state: 'done', image: 'little', message: null })
    expect(await findImage(database(), 'little')).toMatchObject({ title: 'Our system' })
    await deleteRecipeText(database(), 'little', {}, 'tester')
    expect(await one.run({ ...byRecipe, archs: ['arm64'] })).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('no valid signature'),
    })
  })

  test('an image that is recognised as an installer is marked as one after each import, unless the import decides otherwise', async () => {
    await one.run(byRecipe)
    await patchImage(database(), 'little', { installer: false }, {}, 'tester')
    expect(await one.run({ ...byRecipe, archs: ['arm64'] })).toMatchObject({ state: 'done' })
    expect(await findImage(database(), 'little')).toMatchObject({ installer: true })
    await one.run({ ...byRecipe, installer: false })
    expect((await loadCatalog(database())).images.get('little')).toMatchObject({ installer: false })
    await one.run({ ...byRecipe, installer: true })
    expect((await loadCatalog(database())).images.get('little')).toMatchObject({ installer: true })
    await patchImage(database(), 'little', { installer: null }, {}, 'tester')
    expect((await loadCatalog(database())).images.get('little')).toMatchObject({ installer: null })
  })

  test.each([
    ['the list of lists is signed by a stranger', 'InRelease', /InRelease: no valid signature/],
    ['the list is another than the signed one says', 'SHA256SUMS', /SHA256SUMS: expected sha256 \w+, got \w+/],
    ['a file has another hash', 'initrd.gz', /initrd.gz: expected sha256 \w+, got \w+/],
    ['a file is not there', 'linux', /linux answered 404 Not Found/],
  ])('a recipe fails, and leaves no image, when %s', async (_, name, message) => {
    if (name === 'InRelease') await writeFile(join(one.dataDir, 'recipes/keys/test.asc'), (await strangers()).publicKey)
    else if (name === 'linux') web.files.delete('/m/12.5/amd64/linux')
    else
      for (const [path, bytes] of web.files)
        if (path.endsWith(name)) web.files.set(path, Buffer.concat([bytes, Buffer.from('\n')]))
    const ended = await one.run({ ...byRecipe, archs: ['x86_64'] })
    expect([ended.state, ended.message]).toEqual(['failed', expect.stringMatching(message)])
    expect(await listImages(database(), 10)).toEqual([])
  })

  test('a kernel that is an EFI program, and an iPXE script', async () => {
    expect(await one.run(byUrl('/linux.efi'), 'kernel')).toMatchObject({ state: 'done', image: 'kernel' })
    expect((await findImage(database(), 'kernel'))?.variants).toEqual(
      isReal('linux')
        ? [{ arch: 'x86_64', kind: 'efi', file: { sha256: sha256(linux), name: 'linux.efi' }, args: [] }]
        : [],
    )
    expect(await one.run({ ...byUrl('/hello.ipxe'), archs: ['arm64'], title: 'Hello' })).toMatchObject({
      image: 'hello',
    })
    expect(await findImage(database(), 'hello')).toMatchObject({
      title: 'Hello',
      variants: [{ arch: 'arm64', kind: 'ipxe' }],
    })
  })

  test('a kernel and its initrd from two URLs, and nothing if the hash of one is not the expected one', async () => {
    const urls = {
      kernel: { url: `${web.url}/linux` },
      initrds: [{ url: `${web.url}/initrd.gz`, sha256: sha256(initrd) }],
    }
    const plan = { kind: 'linux' as const, linux: { ...urls, args: ['quiet'], arch: 'x86_64' as const } }
    web.files.set('/linux', linux).set('/initrd.gz', initrd)
    expect(await one.run(plan, 'own')).toMatchObject({ state: 'done', image: 'own', version: 1 })
    expect(await findImage(database(), 'own')).toMatchObject({ title: 'own' })
    expect((await findImage(database(), 'own'))?.variants).toEqual([
      {
        ...{ arch: 'x86_64', kind: 'linux', args: ['quiet'] },
        kernel: { sha256: sha256(linux), name: 'linux' },
        initrds: [{ sha256: sha256(initrd), name: 'initrd.gz' }],
      },
    ])
    web.files.set('/initrd2.gz', script)
    const other = { ...plan.linux, initrds: [{ url: `${web.url}/initrd2.gz`, sha256: 'ab'.repeat(32) }] }
    expect((await one.run({ ...plan, linux: other }, 'wrong')).state).toBe('failed')
    expect(await findImage(database(), 'wrong')).toBeUndefined()
  })

  test('an uploaded iPXE script', async () => {
    await one.store.put(sha256(script), inOne(script), script.length)
    await saveFile(database(), { sha256: sha256(script), name: 'hello.ipxe', sizeBytes: script.length })
    const plan = { kind: 'file' as const, sha256: sha256(script), name: 'hello.ipxe', keepIso: false }
    expect(await one.run({ ...plan, archs: ['arm64'] })).toMatchObject({ state: 'done', image: 'hello' })
    expect((await findImage(database(), 'hello'))?.variants).toEqual([
      { arch: 'arm64', kind: 'ipxe', file: { sha256: sha256(script), name: 'hello.ipxe' } },
    ])
    expect((await one.run({ ...plan, name: 'hello.efi' })).message).toMatch(/^file: expected an EFI program/)
  })

  test.runIf(canOpenIsos)('an ISO, by its URL and as an uploaded file: what is needed is taken out', async () => {
    expect(await one.run(byUrl('/memtest.iso'), 'memory')).toMatchObject({ state: 'done', message: null })
    const image = await findImage(database(), 'memory')
    expect(image?.variants.map(({ arch }) => arch)).toContain('x86_64')
    await expect.poll(one.parts).toEqual([])

    await one.store.put(sha256(memtest), inOne(memtest), memtest.length)
    await saveFile(database(), { sha256: sha256(memtest), name: 'memtest.iso', sizeBytes: memtest.length })
    const plan = { kind: 'file' as const, sha256: sha256(memtest), name: 'memtest.iso', keepIso: false }
    expect(await one.run(plan)).toMatchObject({ state: 'done', image: 'memtest86plus', message: null })
    expect((await findImage(database(), 'memtest86plus'))?.variants).toEqual(image?.variants)
  })

  test('a file that is not an ISO is refused by the name that the operator gave', async () => {
    web.files.set('/note.iso', Buffer.from('no ISO'))
    const { state, message } = await one.run(byUrl('/note.iso'), 'note')
    expect([state, message]).toEqual(['failed', expect.stringMatching(/^file: expected an ISO.* got "note.iso"$/)])
  })

  test('an import resumes after the server was stopped in the middle', async () => {
    behave = (_, times) => (times === 1 ? { stallAfter: 3_000_000 } : {})
    const { id } = await one.ask(byUrl('/linux.efi'), 'kernel')
    await expect.poll(async () => (await findImport(database(), id))?.doneBytes, { timeout: 5000 }).toBe(3_000_000)
    expect(await findImport(database(), id)).toMatchObject({ state: 'running', totalBytes: linux.length })
    await one.restart()
    expect(await one.ended(id)).toMatchObject({ state: isReal('linux') ? 'done' : 'failed' })
    expect(web.asked[1]?.range).toBe('bytes=3000000-')
    if (isReal('linux')) expect(await stored(sha256(linux))).toBe(sha256(linux))
  })

  test('the bytes of a failed import are kept for the next one', async () => {
    behave = (_, times) => (times === 1 ? { cutAfter: 4_000_000 } : times === 2 ? { status: 403 } : {})
    expect(await one.run(byUrl('/linux.efi'), 'kernel')).toMatchObject({ state: 'failed' })
    expect(await findImage(database(), 'kernel')).toBeUndefined()
    await one.run(byUrl('/linux.efi'), 'kernel')
    expect(web.asked[2]).toMatchObject({ range: expect.stringMatching(/^bytes=\d{7}-/), status: 206 })
  })

  test('while it waits to try again, it says why', async () => {
    behave = (_, times) => (times === 1 ? { status: 503, headers: { 'retry-after': '1' } } : {})
    const { id } = await one.ask(byUrl('/hello.ipxe'), 'hello')
    await expect
      .poll(async () => (await findImport(database(), id))?.doing, { timeout: 5000 })
      .toBe(`retrying to download hello.ipxe (${web.url}/hello.ipxe answered 503 Service Unavailable)`)
    expect(await one.ended(id)).toMatchObject({ state: 'done' })
  })

  test('a cancelled import ends at once, and leaves nothing behind', async () => {
    behave = () => ({ bytesPerSecond: 2_000_000 })
    const { id } = await one.ask(byUrl('/linux.efi'), 'kernel')
    await expect.poll(async () => (await findImport(database(), id))?.doneBytes, { timeout: 5000 }).toBeGreaterThan(0)
    await cancelImport(database(), id, 'somebody')
    await expect.poll(one.parts, { timeout: 5000 }).toEqual([])
    expect(await findImport(database(), id)).toMatchObject({ state: 'cancelled' })
    await expect(cancelImport(database(), id, 'somebody')).rejects.toThrow('has ended: cancelled')
    expect(await findImage(database(), 'kernel')).toBeUndefined()
  })

  test('two servers on one database run what they were asked, each its own, and the same file at once', async () => {
    const two = await openTestIntake(database(), { mirrors: { little: `${web.url}/m` } })
    try {
      behave = () => ({ bytesPerSecond: 20_000_000 })
      const asked = [
        await one.ask(byUrl('/linux.efi'), 'a'),
        await one.ask(byUrl('/linux.efi'), 'b'),
        await two.ask(byUrl('/linux.efi'), 'c'),
      ]
      const ends = await Promise.all(asked.map(({ id }) => one.ended(id)))
      expect(ends.map(({ image }) => image)).toEqual(['a', 'b', 'c'])
      if (isReal('linux')) expect(ends.map(({ state }) => state)).toEqual(['done', 'done', 'done'])
      for (const server of [one, two]) expect(await server.store.size(sha256(linux))).toBe(linux.length)
      expect((await listImports(database(), {}, 10)).map(({ image }) => image)).toEqual(['c', 'b', 'a'])
    } finally {
      await two.stop()
    }
  })

  test('the variants of other architectures stay, and those of the same are replaced', async () => {
    await one.run({ ...byUrl('/hello.ipxe'), archs: ['x86_64', 'arm64'] })
    const before = await findImage(database(), 'hello')
    const file = { sha256: sha256(script), name: 'hello.ipxe' }
    const old = [
      { arch: 'x86_64' as const, platform: 'efi' as const, kind: 'local' as const },
      { arch: 'arm64' as const, kind: 'local' as const },
    ]
    await saveImage(database(), 'hello', { variants: old }, {}, 'tester')
    expect(await one.run({ ...byUrl('/hello.ipxe'), archs: ['x86_64'] })).toMatchObject({ version: 3 })
    expect((await findImage(database(), 'hello'))?.variants).toEqual([old[1], { arch: 'x86_64', kind: 'ipxe', file }])
    expect(before?.version).toBe(1)
  })

  test('a damaged file is downloaded again, and is intact again', async () => {
    await one.run({ ...byRecipe, archs: ['arm64'] })
    const path = join(one.dataDir, 'files', sha256(script).slice(0, 2), sha256(script))
    await writeFile(path, '#!ipxe\necho hullo\n')
    await recordDamage(database(), sha256(script), { kind: 'changed', damage: 'its bytes changed' })
    expect(await one.run({ ...byRecipe, archs: ['arm64'] })).toMatchObject({ state: 'done' })
    expect(await stored(sha256(script))).toBe(sha256(script))
  })
})

async function strangers() {
  return generateKey({ type: 'ecc', curve: 'ed25519Legacy', userIDs: [{ name: 'stranger' }] })
}

async function* inOne(bytes: Buffer) {
  yield bytes
}
