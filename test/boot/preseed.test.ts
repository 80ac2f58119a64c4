import { spawnSync } from 'node:child_process'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestBootServer, type TestBootServer } from '../helpers/boot-server.ts'
import { hasTool } from '../helpers/needs.ts'

let server: TestBootServer
beforeAll(async () => {
  server = await startTestBootServer()
})
afterAll(() => server.stop())

const ask = (path: string, agent: string) => fetch(`${server.url}${path}`, { headers: { 'User-Agent': agent } })

/** What a DHCP server may name as the boot file to every client, also to an installer that is already running. */
const bootFiles = [
  '/boot.ipxe',
  '/boot.ipxe.0',
  '/autoexec.ipxe',
  '/nbp/ipxe.efi',
  '/nbp/autoexec.ipxe',
  '/ipxe?mac=52-54-00-00-09-01',
  '/ipxe/52-54-00-00-09-01.ipxe',
]

describe('an URL that DHCP names as the boot file', () => {
  test.each(bootFiles)('is an empty preseed file for debian-installer: %s', async (path) => {
    const answer = await ask(path, 'debian-installer')
    const text = await answer.text()
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'text/plain; charset=UTF-8'])
    expect(text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))).toEqual([])
    expect(text).toContain('url=')
  })

  test.runIf(hasTool('debconf-set-selections', 'debconf'))('is a preseed file that debconf accepts', async () => {
    const input = await (await ask('/boot.ipxe', 'debian-installer')).text()
    const checked = spawnSync('debconf-set-selections', ['--checkonly'], { input, encoding: 'utf8' })
    expect([checked.status, checked.stderr]).toEqual([0, ''])
  })

  test.each(['iPXE/1.21.1', 'curl/7.88.1', 'UefiHttpBoot/1.0', 'Wget/1.21.3'])(
    'is what it was for %s',
    async (agent) => {
      expect(await (await ask('/boot.ipxe', agent)).text()).toMatch(/^#!ipxe\n/)
      expect((await ask('/nbp/ipxe.efi', agent)).headers.get('content-type')).toBe('application/efi')
    },
  )
})
