import { pino } from 'pino'
import { describe, expect, onTestFinished, test } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
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
    templates: readTemplates(),
    inventory: { events: { record: () => {}, flush: async () => {}, stop: async () => {} } },
    log: pino({ level: 'silent' }),
  }
  const { baseUrl, subnets, withoutServer } = config.boot
  const server = await startBootTftp({ ...config.tftp, baseUrl, subnets, withoutServer }, parts, boot)
  onTestFinished(() => server?.stop(0))
  const { bytes } = await fetchRaw(await rawClient(), server?.port ?? 0, 'autoexec.ipxe')
  expect(bytes.toString()).toContain(expected)
})

describe('a port that is in use', () => {
  const start = async (env: Record<string, string>, lines: string[]) => {
    const config = loadConfig(env)
    const { baseUrl, subnets, withoutServer } = config.boot
    const parts = {
      nbps: new Map(),
      templates: readTemplates(),
      inventory: { events: { record: () => {} } },
      log: pino({}, { write: (line) => void lines.push(JSON.parse(line).msg) }),
    }
    const settings = { ...config.tftp, baseUrl, subnets, withoutServer }
    const server = await startBootTftp(settings, parts, { address: '127.0.0.1', port: 8123 })
    onTestFinished(() => server?.stop(0))
    return server
  }

  test('stops the start if a setting names it, with the reason', async () => {
    const first = await start({ BOOTWRIGHT_TFTP_LISTEN: '127.0.0.1:0' }, [])
    const taken = `127.0.0.1:${first?.port}`
    await expect(start({ BOOTWRIGHT_TFTP_LISTEN: taken }, [])).rejects.toThrow(
      `BOOTWRIGHT_TFTP_LISTEN: cannot listen for TFTP on ${taken}: another program uses the port (dnsmasq or tftpd?)`,
    )
  })
})
