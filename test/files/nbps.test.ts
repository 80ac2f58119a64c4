import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { loadNbps } from '../../src/files/nbps.ts'

test('loads boot programs by their endings, and nothing else from their folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bootwright-nbp-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const nbpDir = join(folder, 'nbp')
  await mkdir(nbpDir)
  for (const name of ['ipxe.efi', 'undionly.kpxe', 'README.md', '.hidden.efi', 'empty.efi', 'a b.efi'])
    await writeFile(join(nbpDir, name), name === 'empty.efi' ? '' : 'x')
  expect([...(await loadNbps(nbpDir)).keys()]).toEqual(['ipxe.efi', 'undionly.kpxe'])
  expect((await loadNbps(join(folder, 'nowhere'))).size).toBe(0)
})

test('finds the version of iPXE in a program, and in the list of setup for a compressed one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bootwright-nbp-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const write = (name: string, text: string) => writeFile(join(folder, name), text, 'latin1')
  await write('ipxe.efi', 'MZ\0iPXE initialising\x001.21.1+ (g83449)\0')
  await write('other.efi', 'MZ\x001.21.1\0')
  await write('undionly.kpxe', 'compressed')
  const sha256 = createHash('sha256').update('compressed').digest('hex')
  await write('VERSIONS.txt', `${sha256}  undionly.kpxe  Debian ipxe 1.21.1+git20250501.dad20602+dfsg-1\n`)
  const versions = [...(await loadNbps(folder)).values()].map(({ name, version }) => [name, version])
  expect(versions).toEqual([
    ['ipxe.efi', '1.21.1+ (g83449)'],
    ['other.efi', undefined],
    ['undionly.kpxe', '1.21.1+git20250501.dad20602+dfsg-1'],
  ])
})
