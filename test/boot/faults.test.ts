import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { saveImage } from '../../src/inventory/images/images.ts'
import { saveMachine } from '../../src/inventory/machines/machines.ts'
import { saveMenu } from '../../src/inventory/machines/menus.ts'
import { createLog } from '../../src/lib/log.ts'
import { getAsIpxe, startTestBootServer, type TestBootServer } from '../helpers/boot-server.ts'

const mac = '52:54:00:fa:17:01'

// The operator's setting for refusals does not apply to faults of the server.
describe.each(['halt', 'local', 'retry'] as const)(
  'while the database is away, with %s after refusals',
  (afterRefusal) => {
    let server: TestBootServer
    let menuUrl: string
    let token: string
    const lines: string[] = []

    beforeAll(async () => {
      // No machine is in memory, so the server cannot decide without its database.
      server = await startTestBootServer({ afterRefusal, maxMachines: 0 })
      const { db } = server.deps
      server.deps.log = createLog('debug', { write: (line: string) => void lines.push(line) })
      await saveImage(db, 'installer', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
      await saveMenu(
        db,
        'main',
        {
          title: 'm',
          timeoutSeconds: null,
          defaultEntry: null,
          entries: [{ name: 'go', text: 'go', kind: 'image', image: 'installer' }],
        },
        {},
        'tester',
      )
      await saveMachine(db, { mac }, { assignment: { menu: 'main' } }, {}, 'tester')
      menuUrl = /chain --replace --autofree (\S+)\$/.exec(await script())?.[1] as string
      token = menuUrl.split('/')[4] as string
      await (db as unknown as { $client: { close: () => Promise<void> } }).$client.close()
    })
    afterAll(() => server.stop().catch(() => undefined))
    const script = () => getAsIpxe(`${server.url}/ipxe?mac=${mac}&platform=efi&buildarch=x86_64`)

    test('a machine shows the reason instead of its script, and retries', async () => {
      const text = await script()
      expect(text).toContain('echo Retry ${failures} of 5 in ${pause} s.')
      expect(text).not.toMatch(/Halted|local disk/)
    })

    test('a machine that chose from a menu shows the reason, too', async () => {
      const text = await getAsIpxe(`${menuUrl}go`)
      expect(text).toMatch(/^#!ipxe\n/)
      expect(text).toContain('echo Retry ${failures} of 5 in ${pause} s.')
    })

    test('a report is kept in the journal, and the log does not contain its token', async () => {
      const response = await fetch(`${server.url}/b/${token}/installed`)
      expect([response.status, await response.text()]).toEqual([200, 'ok\n'])
      expect(lines.join('')).toContain('report kept until the database answers')
      expect(lines.join('')).not.toContain(token)
    })
  },
)

test('an address outside the boot subnets is logged without the token that it used', async () => {
  const lines: string[] = []
  const server = await startTestBootServer({ allows: () => false })
  server.deps.log = createLog('debug', { write: (line: string) => void lines.push(line) })
  const token = 'T0ken'.repeat(9).slice(0, 43)
  expect((await fetch(`${server.url}/b/${token}/installed`)).status).toBe(403)
  expect(lines.join('')).toMatch(/outside the boot subnets/)
  expect(lines.join('')).not.toContain(token)
  await server.stop()
})
