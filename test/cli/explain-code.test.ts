import { expect, test } from 'vitest'
import { createProgram } from '../../src/cli/program.ts'

const run = async (...argv: string[]) => {
  let out = ''
  const deps = { serve: async () => {}, env: {}, out: (text: string) => (out += text), err: () => {} }
  await createProgram({ ...deps, out: (text) => void deps.out(text) }).parseAsync(argv, { from: 'user' })
  return out
}

test('a code of iPXE is explained without a server', async () => {
  expect(
    await run('explain-code', 'http://ipxe.org/2d0c613b'),
  ).toBe(`2d0c613b (iPXE): HTTP 404: no such file on the server
  The server has nothing at this URL.
  On the screen: Not found
Likely causes
  - The URL is wrong
  - The file or the image version was deleted after the script was made
Next steps
  - Open the URL from the boot network, for example with curl.
  - Run bootwright boots show ID to see how far the boot came.
  - Run bootwright explain MAC to see what the machine boots now.
In the code
  - error: ENOENT (Not found)
  - file of iPXE: net/tcp/httpcore.c
  - last digits 3b: BIOS status PXE-E3B
More: https://ipxe.org/2d0c61
`)
})

test('a PXE code is explained for both kinds of firmware, until one is named', async () => {
  const both = await run('explain-code', 'PXE-E53')
  expect(both).toMatch(/^PXE-E53 \(BIOS\): [\s\S]*^PXE-E53 \(UEFI\): [\s\S]*Add --firmware bios or --firmware uefi/m)
  expect(await run('explain-code', 'PXE-E53', '--firmware', 'uefi')).not.toMatch(/BIOS\)|--firmware/)
})

test('a line of a console need not be quoted', async () => {
  const line = 'PXE-E18: Server response timeout.'.split(' ')
  expect(JSON.parse(await run('--json', 'explain-code', ...line)).items).toMatchObject([
    { code: 'PXE-E18', source: 'pxe-uefi', firmware: 'uefi' },
  ])
})

test('a text without a code is refused with examples', async () => {
  await expect(run('explain-code', 'kernel', 'panic')).rejects.toThrow(
    'Expected a code, got "kernel panic". Examples: PXE-E53, 2d0c613b, http://ipxe.org/2d0c613b',
  )
})
