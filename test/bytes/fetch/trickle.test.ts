import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { get, getSmall } from '../../../src/bytes/fetch/http-get.ts'
import { openConnector } from '../../../src/bytes/fetch/proxies.ts'
import type { OpenDb } from '../../../src/db/open.ts'
import { openTestDatabase } from '../../helpers/database.ts'
import { openTestIntake, type TestIntake } from '../../helpers/intake.ts'

/** Sends one byte per 50 ms forever, for any request; the path can set the number of `bytes` sent at once. */
function startTrickle(): Promise<{ url: string; stop: () => void }> {
  const server: Server = createServer((request, response) => {
    const chunk = 'x'.repeat(Number(/\d+/.exec(request.url ?? '')?.[0] ?? 1))
    const timer = setInterval(() => response.write(chunk), 50)
    response.on('close', () => clearInterval(timer))
  })
  const stop = () => {
    server.close()
    server.closeAllConnections()
  }
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve({ url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop })
    })
  })
}

const proxies = { httpProxy: '', httpsProxy: '', noProxy: '' }
const connector = openConnector(proxies)
let web: Awaited<ReturnType<typeof startTrickle>>
let opened: OpenDb
let one: TestIntake | undefined
beforeAll(async () => {
  web = await startTrickle()
  opened = await openTestDatabase()
})
afterEach(async () => {
  await one?.stop()
  one = undefined
})
afterAll(async () => {
  web.stop()
  connector.close()
  await opened.close()
})
const options = { connector, stallMs: 500, hasChecksum: true }

test('a server that sends single bytes now and then times out like a silent server', async () => {
  const reading = (async () => {
    const got = await get(new URL('/x.iso', web.url), options)
    for await (const _ of got.body);
  })()
  await expect(reading).rejects.toThrow(/x\.iso: only \d+ bytes in \d+ s$/)
  await expect(getSmall(new URL('/SUMS', web.url), 1000, options)).rejects.toThrow(/only \d+ bytes in/)
})

test('a slow server above the minimum speed does not time out, and no server does without a minimum speed', async () => {
  for (const [path, minBytesPerSecond] of [
    ['/2000.iso', 1024],
    ['/1.iso', 0],
  ] as const) {
    const got = await get(new URL(path, web.url), { ...options, minBytesPerSecond })
    const began = performance.now()
    for await (const _ of got.body) if (performance.now() - began > 1500) break
    got.drop()
  }
})

test('a slow reader does not count as a slow server', async () => {
  const got = await get(new URL('/2000.iso', web.url), { ...options, stallMs: 200 })
  let chunks = 0
  for await (const _ of got.body) {
    await new Promise((resolve) => setTimeout(resolve, 150))
    if (++chunks > 6) break
  }
  got.drop()
})

test('imports from two such servers free their slots', async () => {
  one = await openTestIntake(opened.db)
  const asked = [await one.ask({ kind: 'url', url: `${web.url}/1.iso`, keepIso: false }, 'a')]
  asked.push(await one.ask({ kind: 'url', url: `${web.url}/1.iso?2`, keepIso: false }, 'b'))
  const third = await one.run({ kind: 'recipe', recipe: 'none' }, 'c')
  expect(third.state).toBe('failed')
  for (const { id } of asked)
    expect(await one.ended(id)).toMatchObject({
      state: 'failed',
      message: expect.stringMatching(/only \d+ bytes in/),
    })
})
