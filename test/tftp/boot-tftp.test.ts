import { pino } from 'pino'
import { expect, onTestFinished, test } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { createScripts } from '../../src/render/scripts.ts'
import { readTemplates } from '../../src/server/templates.ts'
import { startBootTftp } from '../../src/tftp/boot-tftp.ts'
import { fetchRaw } from './raw-client.ts'
import { rawClient } from './serve.ts'

test.each([
  ['all addresses: the one that was asked by TFTP', { address: '0.0.0.0', port: 8123 }, {}, 'http://127.0.0.1:8123/'],
  ['all of IPv6, which takes IPv4 too', { address: '::', port: 8123 }, {}, 'http://127.0.0.1:8123/'],
  ['another address than TFTP', { address: '127.0.0.5', port: 8123 }, {}, 'http://127.0.0.5:8123/'],
  ['an IPv6 address', { address: 'fd00::5', port: 80 }, {}, 'http://[fd00::5]:80/'],
  [
    'a base URL with a host name',
    { address: '127.0.0.5', port: 8123 },
    { BOOTWRIGHT_BASE_URL: 'http://boot_server:8080' },
    'http://boot_server:8080/',
  ],
])('autoexec.ipxe names where boot HTTP listens: %s', async (_, boot, env, expected) => {
  const config = loadConfig({ BOOTWRIGHT_TFTP_LISTEN: '127.0.0.1:0', ...env })
  const parts = {
    nbps: new Map(),
    scripts: createScripts(readTemplates()),
    inventory: { events: { record: () => {}, flush: async () => {}, stop: async () => {} } },
    log: pino({ level: 'silent' }),
    allows: () => true,
  }
  const server = await startBootTftp({ ...config.tftp, baseUrl: config.boot.baseUrl }, parts, boot)
  onTestFinished(() => server?.stop(0))
  const { bytes } = await fetchRaw(await rawClient(), server?.port ?? 0, 'autoexec.ipxe')
  expect(bytes.toString()).toContain(expected)
})
