import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'
import { subnetTest } from '../../src/lib/subnet.ts'

const load = (env: Record<string, string>) => loadConfig(env)

describe('loadConfig', () => {
  test('works without any setting', () => {
    expect(load({ HOME: '/root' })).toMatchObject({
      data: { folder: 'data' },
      database: { url: undefined },
      boot: { listen: { host: '0.0.0.0', port: 8080 }, nbpFolder: undefined, afterRefusal: 'retry' },
      admin: { listen: { host: '127.0.0.1', port: 8081 } },
      tftp: { listen: { host: '0.0.0.0', port: 69, explicit: false } },
    })
  })

  test('reads settings from the environment', () => {
    const config = load({
      DATABASE_URL: 'postgres://u@h/d',
      BOOTWRIGHT_BOOT_LISTEN: '[::]:80',
      BOOTWRIGHT_TFTP_LISTEN: 'off',
      BOOTWRIGHT_BASE_URL: 'http://boot.example:8080/',
      BOOTWRIGHT_BOOT_SUBNETS: '10.0.0.0/8, fd00::/8',
      BOOTWRIGHT_TFTP_SINGLE_PORT: 'yes',
    })
    expect(config).toMatchObject({
      database: { url: 'postgres://u@h/d' },
      boot: {
        listen: { host: '::', port: 80, explicit: true },
        baseUrl: 'http://boot.example:8080',
        subnets: ['10.0.0.0/8', 'fd00::/8'],
      },
      tftp: { listen: 'off', singlePort: true },
    })
  })

  test('accepts host names with an underscore, proxies by address or subnet, and limits of connections', () => {
    const config = load({
      BOOTWRIGHT_BASE_URL: 'http://boot_server:8080',
      BOOTWRIGHT_TRUSTED_PROXIES: '10.0.0.5, fd00::7,192.168.0.0/16',
      BOOTWRIGHT_MAX_CONNECTIONS: '300',
      BOOTWRIGHT_MAX_CONNECTIONS_PER_ADDRESS: '200',
    })
    expect(config.boot).toMatchObject({
      baseUrl: 'http://boot_server:8080',
      trustedProxies: ['10.0.0.5/32', 'fd00::7/128', '192.168.0.0/16'],
      maxConnections: 300,
      maxConnectionsPerAddress: 200,
    })
    expect(load({}).boot).toMatchObject({
      trustedProxies: [],
      maxConnections: 20_000,
      maxConnectionsPerAddress: undefined,
    })
    expect(() => load({ BOOTWRIGHT_TRUSTED_PROXIES: 'proxy.example' })).toThrow(
      /TRUSTED_PROXIES: expected comma-separated addresses/,
    )
    expect(() => load({ BOOTWRIGHT_BASE_URL: 'http://boot:99999' })).toThrow(/BASE_URL/)
  })

  test('names every fault in one error, with the setting, its value and what was expected', () => {
    const bad = {
      BOOTWRIGHT_BOOT_LISTEN: '8080',
      BOOTWRIGHT_TFTP_WINDOW_SIZE: '1e3',
      BOOTWRIGHT_BOOT_SUBNETS: '10.0.0.0/33',
      BOOTWRIGHT_PORT: '1',
      BOOTWRIGHT_BASE_URL: 'http://h/path',
    }
    expect(() => load(bad)).toThrow(
      [
        'BOOTWRIGHT_PORT: unknown setting. To list all settings: bootwright serve --help',
        'BOOTWRIGHT_BOOT_LISTEN: expected host:port, got "8080"',
        'BOOTWRIGHT_BASE_URL: expected http://host[:port] without a path, got "http://h/path"',
        'BOOTWRIGHT_BOOT_SUBNETS: expected comma-separated subnets such as 10.0.0.0/8, got "10.0.0.0/33"',
        'BOOTWRIGHT_TFTP_WINDOW_SIZE: expected a whole number from 1 to 65535, got "1e3"',
      ].join('\n'),
    )
  })

  test('accepts the variables of the command line and of setup', () => {
    const env = { BOOTWRIGHT_URL: 'http://h:8081', BOOTWRIGHT_TOKEN: 't', BOOTWRIGHT_NO_APT: '1' }
    expect(load(env)).toEqual(load({}))
  })

  test('reads the place of the object store', () => {
    expect(load({}).s3.place).toBeUndefined()
    const keys = { BOOTWRIGHT_S3_ACCESS_KEY: 'access', BOOTWRIGHT_S3_SECRET_KEY: 'secret' }
    expect(load({ BOOTWRIGHT_S3_URL: 'https://s3.example:9000/boot-files/a/b/', ...keys }).s3).toEqual({
      place: { endpoint: 'https://s3.example:9000', bucket: 'boot-files', prefix: 'a/b/' },
      region: 'us-east-1',
      accessKey: 'access',
      secretKey: 'secret',
      redirect: false,
    })
    expect(
      load({ BOOTWRIGHT_S3_URL: 'http://10.0.0.1/boot', BOOTWRIGHT_S3_REDIRECT: 'yes', ...keys }).s3,
    ).toMatchObject({
      place: { endpoint: 'http://10.0.0.1', bucket: 'boot', prefix: '' },
      redirect: true,
    })
  })

  test.each([
    ['https://h', '"https://h"'],
    ['https://h/', '"https://h/"'],
    ['s3://bucket', '"s3://bucket"'],
    ['https://h/Bucket', '"https://h/Bucket"'],
    ['https://h/bucket//x', '"https://h/bucket//x"'],
    ['https://h/bucket?x=1', '"https://h/bucket?x=1"'],
    ['https://key:secret@h/bucket', '"***"'],
  ])('refuses %s as the URL of a bucket', (url, printed) => {
    const env = { BOOTWRIGHT_S3_URL: url, BOOTWRIGHT_S3_ACCESS_KEY: 'a', BOOTWRIGHT_S3_SECRET_KEY: 's' }
    expect(() => load(env)).toThrow(`BOOTWRIGHT_S3_URL: expected https://host[:port]/bucket[/prefix], got ${printed}`)
  })

  test('requires the keys of an object store, and does not print the secret key', () => {
    const url = { BOOTWRIGHT_S3_URL: 'https://h/bucket' }
    expect(() => load(url)).toThrow(
      'BOOTWRIGHT_S3_ACCESS_KEY: expected the access key of the object store, because BOOTWRIGHT_S3_URL is set\n' +
        'BOOTWRIGHT_S3_SECRET_KEY: expected the secret key of the object store, because BOOTWRIGHT_S3_URL is set',
    )
    expect(() => load({ ...url, BOOTWRIGHT_S3_ACCESS_KEY: 'a', BOOTWRIGHT_S3_SECRET_KEY: 'with a space' })).toThrow(
      /^BOOTWRIGHT_S3_SECRET_KEY: expected the secret key of the object store, got "\*\*\*"$/,
    )
  })

  test('file workers and the URL of files need the listener of files', () => {
    const example = 'Example: BOOTWRIGHT_FILE_LISTEN=0.0.0.0:8082'
    for (const env of [{ BOOTWRIGHT_FILE_WORKERS: '2' }, { BOOTWRIGHT_FILE_URL: 'http://files.example' }]) {
      const [name] = Object.keys(env)
      expect(() => load(env)).toThrow(`BOOTWRIGHT_FILE_LISTEN: expected host:port, because ${name} is set. ${example}`)
    }
    expect(load({ BOOTWRIGHT_FILE_LISTEN: '[::]:8082', BOOTWRIGHT_FILE_WORKERS: '2' }).sending).toMatchObject({
      listen: { host: '::', port: 8082 },
      workers: 2,
    })
  })

  test('does not print an invalid secret', () => {
    expect(() => load({ BOOTWRIGHT_ADMIN_TOKEN: 'short-secret' })).toThrow(
      /^BOOTWRIGHT_ADMIN_TOKEN: expected 32 to 256 printable characters, got "\*\*\*"$/,
    )
  })
})

describe('subnetTest', () => {
  const allows = subnetTest(['10.0.0.0/8', '192.168.1.0/24', 'fd00::/8'])
  test.each([
    ['10.255.0.1', true],
    ['11.0.0.1', false],
    ['192.168.1.9', true],
    ['192.168.2.9', false],
    ['fd12::1', true],
    ['fe80::1', false],
    ['', false],
  ])('returns for "%s": %s', (address, expected) => expect(allows(address)).toBe(expected))
  test('passes every address if no subnet is given', () => expect(subnetTest([])('203.0.113.9')).toBe(true))
})
