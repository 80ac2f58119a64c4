import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, open, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Iso, isoTexts, openIso } from '../../../src/intake/discs/iso.ts'
import { findLayout } from '../../../src/intake/discs/layouts.ts'
import { hasTool } from '../../helpers/needs.ts'
import { type Files, families } from './families.ts'

const sevenZip = existsSync('/usr/bin/7z') || hasTool('7zz', '7zip')
const ready = sevenZip && hasTool('genisoimage', 'genisoimage') && hasTool('xorriso', 'xorriso')

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bootwright-iso-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

/** Puts the files into a folder of their own; a number is that many bytes, 100 at most. */
async function filesIn(name: string, files: Files): Promise<string> {
  const root = join(folder, name)
  for (const [path, file] of Object.entries(files)) {
    if (path.startsWith('[BOOT]/')) continue
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), typeof file === 'string' ? file : 'x'.repeat(Math.min(file, 100)))
  }
  return root
}

function makeIso(root: string, program: 'xorriso' | 'genisoimage', ...options: string[]): string {
  const iso = `${root}.iso`
  const args = [...options, '-quiet', '-o', iso, root]
  if (program === 'xorriso') execFileSync('xorriso', ['-as', 'mkisofs', ...args], { stdio: 'pipe' })
  else execFileSync('genisoimage', args, { stdio: 'pipe' })
  return iso
}

async function bytesOf(iso: Iso, path: string): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of iso.read(path)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const pathsOf = async (iso: Iso) => (await iso.list()).map(({ path }) => path).sort()

describe.runIf(ready)('openIso', () => {
  const kernel = randomBytes(3_000_001)
  const long = 'a name with spaces, ünïcode and more than 64 characters, as only Rock Ridge and UDF have them.txt'

  const ways: [string, 'xorriso' | 'genisoimage', string[]][] = [
    ['Joliet and Rock Ridge', 'xorriso', ['-r', '-J', '-joliet-long']],
    ['Rock Ridge alone', 'genisoimage', ['-r']],
    ['UDF', 'genisoimage', ['-udf', '-r']],
  ]
  test.each(ways)('reads %s', async (name, program, options) => {
    const root = await filesIn(name.replaceAll(' ', '-'), {
      '.disk/info': 'Debian',
      [`docs/${long}`]: 'long',
      empty: '',
    })
    await writeFile(join(root, 'vmlinuz'), kernel)
    const iso = await openIso(makeIso(root, program, ...options))
    expect(await pathsOf(iso)).toEqual(['.disk/info', `docs/${long}`, 'empty', 'vmlinuz'])
    expect((await bytesOf(iso, 'vmlinuz')).equals(kernel)).toBe(true)
    expect((await bytesOf(iso, `docs/${long}`)).toString()).toBe('long')
    expect(await bytesOf(iso, 'empty')).toHaveLength(0)
    expect(await isoTexts(iso)('.disk/info')).toBe('Debian')
    expect(await isoTexts(iso)('no/such')).toBeUndefined()
    await expect(bytesOf(iso, 'no/such')).rejects.toThrow('path: expected a file of the ISO or archive, got "no/such"')
    await iso.close()
  })

  test('reads names that 7-Zip could misread', async () => {
    const files = { '@list': 'a', '-tzip': 'b', '--': 'c', 'st*r': 'd', star: 'e', 'what?': 'f', 'x = y': 'g' }
    const iso = await openIso(makeIso(await filesIn('odd', files), 'genisoimage', '-r'))
    for (const [path, text] of Object.entries(files))
      expect([path, String(await bytesOf(iso, path))]).toEqual([path, text])
    await iso.close()
  })

  test('lists the boot images of El Torito', async () => {
    const root = await filesIn('bootable', { 'TOOL/TOOL.IMG': 1 })
    await writeFile(join(root, 'TOOL/TOOL.IMG'), randomBytes(4096))
    const iso = await openIso(
      makeIso(root, 'genisoimage', '-r', '-b', 'TOOL/TOOL.IMG', '-no-emul-boot', '-c', 'BOOT.CAT'),
    )
    expect(await pathsOf(iso)).toEqual(['BOOT.CAT', 'TOOL/TOOL.IMG', '[BOOT]/Boot-NoEmul.img'])
    expect((await findLayout(await iso.list(), isoTexts(iso)))?.family).toBe('disc')
    await iso.close()
    const both = await openIso(
      makeIso(root, 'genisoimage', '-udf', '-r', '-b', 'TOOL/TOOL.IMG', '-no-emul-boot', '-c', 'BOOT.CAT'),
    )
    expect(await pathsOf(both)).toContain('[BOOT]/Boot-NoEmul.img')
    await both.close()
  })

  test.each(['plain', 'gzip', 'xz'])('reads a tar: %s', async (way) => {
    const root = await filesIn(`tar-${way}`, { 'amd64/linux': 'kernel', 'amd64/initrd': 'initrd' })
    const path = `${root}.tar`
    const flag = { plain: '--', gzip: '--gzip', xz: '--xz' }[way] ?? ''
    execFileSync('tar', ['--create', '--file', path, '--directory', root, ...(flag === '--' ? [] : [flag]), '.'])
    const iso = await openIso(path)
    expect(await pathsOf(iso)).toEqual(['amd64/initrd', 'amd64/linux'])
    expect(String(await bytesOf(iso, 'amd64/linux'))).toBe('kernel')
    await iso.close()
  })

  test('reads a zip', async () => {
    const root = await filesIn('zip', { 'memtest64.efi': 'program' })
    execFileSync(existsSync('/usr/bin/7z') ? '7z' : '7zz', ['a', '-tzip', `${root}.zip`, `${root}/memtest64.efi`], {
      stdio: 'pipe',
    })
    const iso = await openIso(`${root}.zip`)
    expect(await pathsOf(iso)).toEqual(['memtest64.efi'])
    expect(String(await bytesOf(iso, 'memtest64.efi'))).toBe('program')
    await iso.close()
  })
})

describe.runIf(ready)('damaged and hostile archives', () => {
  test.each([
    ['ISO 9660', ['-r'], 1_000_000],
    ['ISO 9660, of which only the beginning is there', ['-r'], 60_000],
    ['UDF', ['-udf', '-r'], 1_000_000],
  ])('a cut %s is refused', async (name, options, length) => {
    const root = await filesIn(name.replaceAll(/\W+/g, '-'), { a: 'a' })
    await writeFile(join(root, 'vmlinuz'), randomBytes(2_000_000))
    const path = makeIso(root, 'genisoimage', ...(options as string[]))
    await truncate(path, length)
    await expect(openIso(path)).rejects.toThrow(/expected an undamaged ISO or archive \(7-Zip: \w/)
  })

  test('a cut tar.gz is refused', async () => {
    const root = await filesIn('cut', {})
    await mkdir(root)
    await writeFile(join(root, 'linux'), randomBytes(200_000))
    execFileSync('tar', ['--create', '--gzip', '--file', `${root}.tar.gz`, '--directory', root, '.'])
    await truncate(`${root}.tar.gz`, 100_000)
    await expect(openIso(`${root}.tar.gz`)).rejects.toThrow(/expected an undamaged ISO or archive/)
  })

  test.each([
    ['nothing at all', Buffer.alloc(0)],
    ['zeros', Buffer.alloc(200_000)],
    ['an ELF file, which 7-Zip could read', Buffer.concat([Buffer.from('\x7fELF'), randomBytes(4000)])],
    [
      'only the mark of an ISO',
      Buffer.concat([Buffer.alloc(16 * 2048), Buffer.from('\x01CD001\x01'), Buffer.alloc(4096)]),
    ],
  ])('%s is not an ISO', async (name, bytes) => {
    const path = join(folder, name)
    await writeFile(path, bytes)
    await expect(openIso(path)).rejects.toThrow(/expected an (?:ISO, a zip or a tar|undamaged ISO)/)
  })

  test('a tar that points outside gives nothing of that name', async () => {
    const root = await filesIn('traversal', { 'sub/inside': 'x' })
    await writeFile(join(folder, 'outside'), 'y')
    execFileSync(
      'tar',
      ['-P', '-cf', `${root}.tar`, '-C', join(root, 'sub'), '../../outside', '/etc/hostname', 'inside'],
      { stdio: 'pipe' },
    )
    const iso = await openIso(`${root}.tar`)
    expect(await pathsOf(iso)).toEqual(['inside'])
    await iso.close()
  })

  test('an archive with far too many files is refused', async () => {
    // Headers of ustar (POSIX, pax): name, mode, ids, size, time, checksum over it all with spaces in its own place, type, magic.
    const header = Buffer.alloc(512)
    header.write(`0000644\0${'0000000\0'.repeat(2)}${'00000000000\0'.repeat(2)}${' '.repeat(8)}0`, 100, 'latin1')
    header.write('ustar\x0000', 257, 'latin1')
    const sum = header.reduce((total, byte) => total + byte, 0)
    const tar = Buffer.alloc(512 * 210_002)
    for (let index = 0; index < 210_000; index++) {
      const name = Buffer.from(`file-${index}`)
      header.copy(tar, index * 512)
      name.copy(tar, index * 512)
      const checksum = name.reduce((total, byte) => total + byte, sum)
      tar.write(`${checksum.toString(8).padStart(6, '0')}\0 `, index * 512 + 148, 'latin1')
    }
    const path = join(folder, 'many.tar.gz')
    await writeFile(path, gzipSync(tar, { level: 1 }))
    await expect(openIso(path)).rejects.toThrow(/expected (?:at most 200000|fewer) files in it/)
  }, 60_000)

  test('a file that claims to be larger than its disc is not there', async () => {
    const root = await filesIn('liar', { vmlinuz: 'kernel', other: 'file' })
    const path = makeIso(root, 'genisoimage', '-r')
    const bytes = await readFile(path)
    // In a directory record, the length is at byte 10 in both byte orders (ECMA-119, 9.1.4), and the name is at byte 33.
    const at = bytes.indexOf('VMLINUZ.;1') - 33
    bytes.writeUInt32LE(0xfffffff0, at + 10)
    bytes.writeUInt32BE(0xfffffff0, at + 14)
    await writeFile(path, bytes)
    const outcome = await openIso(path).then(
      async (iso) => ({ paths: await pathsOf(iso) }),
      (error: Error) => ({ error: error.message }),
    )
    expect(outcome).not.toMatchObject({ paths: expect.arrayContaining(['vmlinuz']) })
  })

  test('a disc whose bytes are gone in the middle is read as far as its parts are whole', async () => {
    const root = await filesIn('changed', { first: 'first' })
    const kernel = randomBytes(500_000)
    await writeFile(join(root, 'vmlinuz'), kernel)
    const path = makeIso(root, 'genisoimage', '-r')
    const iso = await openIso(path)
    await truncate(path, 300_000)
    await expect(bytesOf(iso, 'vmlinuz')).rejects.toThrow(/vmlinuz|7-Zip/)
    await iso.close()
  })

  test('ends what is being read when it is closed', async () => {
    const root = await filesIn('closed', {})
    await mkdir(root)
    const file = await open(join(root, 'big'), 'w')
    await file.truncate(300_000_000)
    await file.close()
    const iso = await openIso(makeIso(root, 'genisoimage', '-r'))
    let bytes = 0
    const reading = (async () => {
      for await (const chunk of iso.read('big')) {
        bytes += chunk.length
        await iso.close()
      }
    })()
    await expect(reading).rejects.toThrow()
    expect(bytes).toBeLessThan(300_000_000)
  })

  test('says what to install where 7-Zip is missing', () => {
    const script = `import('./src/intake/discs/iso.ts').then((m) => m.openIso(process.argv[1])).catch((e) => console.log(e.message))`
    const path = join(folder, 'plain.tar')
    execFileSync('tar', ['--create', '--file', path, '--files-from', '/dev/null'])
    execFileSync('tar', ['--append', '--file', path, '--directory', '/etc', 'hostname'])
    const said = execFileSync(process.execPath, ['--import', 'tsx', '-e', script, path], {
      env: { PATH: folder },
      encoding: 'utf8',
    })
    expect(said).toContain('apt-get install 7zip')
  })
})

describe.runIf(ready)('every family on a disc of its own', () => {
  test.each(Object.entries(families).filter(([, { layout }]) => layout.family !== 'disc'))(
    '%s',
    async (name, { files, layout }) => {
      const root = await filesIn(`family-${name.replaceAll(/\W+/g, '-')}`, files)
      const udf = layout.family === 'windows'
      const iso = await openIso(makeIso(root, 'genisoimage', '-r', ...(udf ? ['-udf'] : ['-J', '-joliet-long'])))
      const found = await findLayout(await iso.list(), isoTexts(iso))
      expect(found).toMatchObject(layout)
      for (const variant of found?.variants ?? [])
        if (variant.kind === 'linux')
          for (const { path } of [variant.kernel, ...variant.initrds, ...variant.tree])
            expect(
              createHash('sha256')
                .update(await bytesOf(iso, path))
                .digest('hex'),
            ).toBe(
              createHash('sha256')
                .update(await readFile(join(root, path)))
                .digest('hex'),
            )
      await iso.close()
    },
  )
})
