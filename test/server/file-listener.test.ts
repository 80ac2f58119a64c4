import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { enterSite, fakeMachine } from '../../scripts/fakes/fake-site.ts'
import { loadConfig } from '../../src/config/config.ts'
import { fileBaseOf } from '../../src/server/file-listener.ts'
import { getAsIpxe, sha256 } from '../helpers/boot-server.ts'
import { putTestDatabase } from '../helpers/database.ts'
import { startServerProcess } from '../helpers/server-process.ts'

async function dataDir(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bootwright-file-listener-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  putTestDatabase(folder)
  return folder
}

test.each([
  [undefined, undefined, 'http://10.0.0.1:8080', 'http://10.0.0.1:8080'],
  ['0.0.0.0', undefined, 'http://10.0.0.1:8080', 'http://10.0.0.1:8082'],
  ['::', undefined, 'http://[2001:db8::1]:8080', 'http://[2001:db8::1]:8082'],
  ['0.0.0.0', undefined, 'https://boot.example', 'http://boot.example:8082'],
  ['10.9.0.1', undefined, 'http://boot.example:8080', 'http://10.9.0.1:8082'],
  ['2001:db8::2', undefined, 'http://boot.example:8080', 'http://[2001:db8::2]:8082'],
  ['0.0.0.0', 'https://files.example', 'http://10.0.0.1:8080', 'https://files.example'],
])('a listener on %s with the URL %s gives files of a script from %s the URL %s', (address, url, base, expected) => {
  const config = loadConfig({
    ...(address !== undefined && { BOOTWRIGHT_FILE_LISTEN: '0.0.0.0:8082' }),
    ...(url !== undefined && { BOOTWRIGHT_FILE_URL: url }),
  })
  const listener =
    address === undefined ? undefined : { address, port: 8082, family: address.includes(':') ? 'IPv6' : 'IPv4' }
  expect(fileBaseOf(config, listener)(base)).toBe(expected)
})

test('a file listener without workers sends the files of scripts from the server itself', async () => {
  const server = await startServerProcess(await dataDir(), { BOOTWRIGHT_FILE_LISTEN: '127.0.0.1:0' })
  onTestFinished(async () => void (await server.stop()))
  const files = { kernel: randomBytes(100_003), initrd: randomBytes(700_001) }
  await enterSite(server.socketPath, 1, files)
  const script = await getAsIpxe(`${server.bootUrl}/ipxe?mac=${fakeMachine(0).mac}`)
  const urls = [...script.matchAll(/http:\S+\/files\/\S+/g)].map(([url]) => url)
  expect(urls.length).toBeGreaterThanOrEqual(2)
  expect(urls.filter((url) => url.startsWith(server.bootUrl))).toEqual([])
  for (const url of urls) {
    const body = Buffer.from(await (await fetch(url)).arrayBuffer())
    expect(Object.values(files).map(sha256)).toContain(sha256(body))
  }
  const { origin } = new URL(urls[0] ?? '')
  expect((await fetch(`${origin}/boot.ipxe`)).status).toBe(404)
}, 120_000)

test.each(['0', '1'])(
  'a server with %s workers names the setting if the address of files is in use',
  async (workers) => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void other.close())
    const place = `127.0.0.1:${(other.address() as { port: number }).port}`
    const started = startServerProcess(await dataDir(), {
      BOOTWRIGHT_FILE_LISTEN: place,
      BOOTWRIGHT_FILE_WORKERS: workers,
    })
    await expect(started).rejects.toThrow(
      `BOOTWRIGHT_FILE_LISTEN: cannot listen on ${place}: the address is in use. Next step: stop the other program`,
    )
  },
  120_000,
)
