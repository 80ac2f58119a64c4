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
