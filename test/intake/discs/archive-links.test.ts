import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { link, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { followLinks, type Node } from '../../../src/intake/discs/archive-links.ts'
import { type Iso, openIso } from '../../../src/intake/discs/iso.ts'
import { hasTool } from '../../helpers/needs.ts'

const sevenZip = existsSync('/usr/bin/7z') || hasTool('7zz', '7zip')
const ready = ['genisoimage', 'xorriso', 'zip'].every((tool) => hasTool(tool, tool)) && sevenZip

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bootwright-links-'))
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const run = (program: string, args: string[], cwd = folder) => execFileSync(program, args, { cwd, stdio: 'pipe' })

async function bytesOf(iso: Iso, path: string): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of iso.read(path)) chunks.push(chunk)
  return Buffer.concat(chunks)
}

const kernel = randomBytes(40_000)

/** A folder with every sort of link, and with entries that are not files. */
async function linkedFolder(name: string): Promise<string> {
  const root = join(folder, name)
  await mkdir(join(root, 'live/deep'), { recursive: true })
  await writeFile(join(root, 'live/vmlinuz-6.9'), kernel)
  await writeFile(join(root, 'live/deep/initrd'), 'initrd')
  await writeFile(join(root, 'live/nothing'), '')
  await link(join(root, 'live/vmlinuz-6.9'), join(root, 'live/hard'))
  const links = {
    'live/vmlinuz': 'vmlinuz-6.9',
    'live/deep/up': '../vmlinuz',
    casper: 'live',
    long: `${'./'.repeat(130)}live/./deep/../vmlinuz-6.9`,
    host: '/etc/passwd',
    climbs: '../../../../etc/passwd',
    gone: 'live/missing',
    self: 'self',
    debian: '.',
    'live/deep/above': '..',
  }
  for (const [path, target] of Object.entries(links)) await symlink(target, join(root, path))
  run('mkfifo', [join(root, 'pipe')])
  run('mknod', [join(root, 'null'), 'c', '1', '3'])
  return root
}

const iso =
  (program: string, ...options: string[]) =>
  (root: string) => {
    const args = [...options, '-quiet', '-o', `${root}.iso`, root]
    run(program, program === 'xorriso' ? ['-as', 'mkisofs', ...args] : args)
    return `${root}.iso`
  }
const tar =
  (...options: string[]) =>
  (root: string) => {
    run('tar', ['--create', '--file', `${root}.tar`, ...options, '--directory', root, '.'])
    return `${root}.tar`
  }
const zip = (root: string) => {
  run('zip', ['-q', '-r', '-y', `${root}.zip`, '.', '-x', 'pipe', 'null'], root)
  return `${root}.zip`
}
const ways: [string, (root: string) => string][] = [
  ['an ISO with Rock Ridge', iso('genisoimage', '-R')],
  ['an ISO with Rock Ridge and Joliet', iso('genisoimage', '-R', '-J', '-joliet-long')],
  ["xorriso's ISO with both", iso('xorriso', '-r', '-J')],
  ['a tar', tar()],
  ['a tar.gz in the format of POSIX', tar('--gzip', '--format=pax')],
  ['a zip', zip],
]

describe.runIf(ready).each(ways)('links in %s', (name, make) => {
  let open: Iso
  let faults: Map<string, string | undefined>
  beforeAll(async () => {
    open = await openIso(make(await linkedFolder(name.replaceAll(/\W+/g, '-'))))
    faults = new Map((await open.list()).map((one) => [one.path, one.fault]))
  })
  afterAll(() => open.close())

  test.each(['live/vmlinuz', 'live/deep/up', 'live/hard', 'casper/vmlinuz-6.9', 'long'])(
    '%s is the kernel that it leads to',
    async (path) => expect((await bytesOf(open, path)).equals(kernel)).toBe(true),
  )

  test.each([
    ['host', '/etc/passwd, which is outside of it'],
    ['climbs', '../../../../etc/passwd, which is outside of it'],
    ['gone', 'live/missing, which is not there'],
    ['self', 'self, which leads back to itself'],
  ])('%s is named with where it leads, and never read', async (path, why) => {
    expect(faults.get(path)).toBe(`a link to ${why}`)
    await expect(bytesOf(open, path)).rejects.toThrow(`${path}: expected a file of the ISO or archive`)
  })

  test('a link to a folder is followed once, and one to a folder that it is in is named', async () => {
    expect(String(await bytesOf(open, 'casper/deep/initrd'))).toBe('initrd')
    expect([...faults.keys()].filter((path) => path.startsWith('debian/'))).toEqual([])
    expect([...open.leftOut].sort()).toEqual([
      'debian: a link to ., a folder that it is in',
      'live/deep/above: a link to .., a folder that it is in',
    ])
  })

  test('an entry that is not a file has no bytes', async () => {
    if (name !== 'a zip') expect(await bytesOf(open, 'null').catch(() => Buffer.alloc(0))).toHaveLength(0)
    expect((await open.list()).find((one) => one.path === 'live/nothing')?.sizeBytes).toBe(0)
  })
})

describe.runIf(ready)('one name several times', () => {
  test.each([
    ['a file twice', ['first', 'the second'], 'the second'],
    ['three times, a shorter one last', ['the longest of all', 'b', 'cc'], 'cc'],
  ])('%s: the last counts, as when it is unpacked', async (name, texts, last) => {
    const root = join(folder, name.replaceAll(/\W+/g, '-'))
    await mkdir(root)
    for (const text of texts) {
      await writeFile(join(root, 'linux'), text)
      run('tar', ['--append', '--file', `${root}.tar`, '--directory', root, 'linux'])
    }
    run('gzip', [`${root}.tar`])
    const open = await openIso(`${root}.tar.gz`)
    expect(await open.list()).toEqual([{ path: 'linux', sizeBytes: last.length }])
    expect(String(await bytesOf(open, 'linux'))).toBe(last)
    await open.close()
  })
})

describe('many links', () => {
  const nodes = (links: number, files: number): Map<string, Node> =>
    new Map([
      ...Array.from({ length: files }, (_, at): [string, Node] => [`f/${at}`, { kind: 'file', sizeBytes: 1 }]),
      ...Array.from({ length: links }, (_, at): [string, Node] => [`l${at}`, { kind: 'link', target: 'f' }]),
    ])

  test('come to a bounded number of files', () => {
    expect(followLinks(nodes(3, 10), 100).entries).toHaveLength(40)
    expect(() => followLinks(nodes(1000, 1000), 200_000)).toThrow('more than 200000 files')
  })

  test('a chain of links is followed as far as Linux does', () => {
    const chain = (length: number) =>
      new Map<string, Node>([
        ['0', { kind: 'file', sizeBytes: 5 }],
        ...Array.from({ length }, (_, at): [string, Node] => [`${at + 1}`, { kind: 'link', target: `${at}` }]),
      ])
    const last = (length: number) => followLinks(chain(length), 100).entries.find((one) => one.path === `${length}`)
    expect(last(40)).toMatchObject({ real: '0', sizeBytes: 5 })
    expect(last(41)).toMatchObject({ fault: 'a link to 40, which leads back to itself' })
  })
})
