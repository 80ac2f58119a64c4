import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Now } from '../../../src/api/schemas/boots/now.ts'
import { createToken, revokeToken } from '../../../src/inventory/access/tokens.ts'
import { openBootFor } from '../../helpers/boots.ts'
import { type Operator, startOperator } from '../../helpers/operator.ts'

let operator: Operator
const sockets: Socket[] = []
beforeAll(async () => {
  operator = await startOperator()
})
afterAll(async () => {
  for (const socket of sockets) socket.destroy()
  await operator.stop()
})

/** Follows this moment with a token of its own, and keeps all documents and comments. */
async function follow() {
  const { db } = operator.boot.deps
  const { id, token } = await createToken(db, 'screen', 'operator', { role: 'viewer' })
  const gone = new AbortController()
  const response = await fetch(`${operator.adminUrl}/api/v1/now/events`, {
    headers: { authorization: `Bearer ${token}` },
    signal: gone.signal,
  })
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toContain('text/event-stream')
  const seen = { documents: [] as Now[], comments: 0, ended: false }
  const revoke = () => revokeToken(db, id, 'operator')
  const read = async () => {
    let text = ''
    for await (const bytes of response.body as AsyncIterable<Uint8Array>) {
      text += Buffer.from(bytes).toString('utf8')
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        const event = text.slice(0, end)
        text = text.slice(end + 2)
        if (event.startsWith(':')) seen.comments += 1
        else seen.documents.push(JSON.parse(event.replace(/^event: now\ndata: /, '')))
      }
    }
  }
  void read()
    .catch(() => {})
    .finally(() => {
      seen.ended = true
    })
  return { seen, revoke, stop: () => gone.abort() }
}

/** Begins a download, and reads only while `isReading`. */
async function download(sha256: string, boot: string, isReading: boolean): Promise<void> {
  const client = connect(operator.boot.port, '127.0.0.1')
  sockets.push(client)
  client.on('error', () => {})
  client.write(`GET /files/${sha256}/initrd.gz?boot=${boot}&stage=initrd HTTP/1.1\r\nHost: x\r\n\r\n`)
  await once(client, 'readable')
  if (!isReading) return
  const reading = setInterval(() => client.read(64 * 1024) ?? client.read(), 20)
  client.on('close', () => clearInterval(reading))
}

test('a follower sees a download that moves, and the cause of one that is stuck', async () => {
  const { boot } = operator
  const { sha256 } = await boot.addFile('initrd.gz', randomBytes(96 * 2 ** 20))
  const facts = (mac: string) => ({ mac, platform: 'efi', buildarch: 'x86_64' }) as const
  const moving = await openBootFor(boot.deps.db, facts('52:54:00:00:00:01'), '192.0.2.1')
  const stuck = await openBootFor(boot.deps.db, facts('52:54:00:00:00:02'), '192.0.2.2')
  const { seen, stop } = await follow()
  await download(sha256, moving.id, true)
  await download(sha256, stuck.id, false)
  const itemOf = (id: string) => seen.documents.at(-1)?.booting.items.find((item) => item.id === id)
  await expect
    .poll(() => itemOf(moving.id)?.download?.bytesPerSecond ?? 0, { timeout: 20_000 })
    .toBeGreaterThan(100_000)
  const { doneBytes = 0, totalBytes } = itemOf(moving.id)?.download ?? {}
  expect(totalBytes).toBe(96 * 2 ** 20)
  await expect.poll(() => itemOf(moving.id)?.download?.doneBytes ?? 0, { timeout: 20_000 }).toBeGreaterThan(doneBytes)
  await expect
    .poll(() => itemOf(stuck.id)?.stalled?.text, { timeout: 40_000 })
    .toContain('the download of initrd.gz is stuck at')
  expect(seen.documents.at(-1)?.booting.items[0]?.id).toBe(stuck.id)
  expect(itemOf(moving.id)).not.toHaveProperty('stalled')
  stop()
  for (const socket of sockets) socket.destroy()
})

test('documents come at most once a second, and only if something changed', async () => {
  const { seen, stop } = await follow()
  await expect.poll(() => seen.documents.length, { timeout: 10_000 }).toBeGreaterThan(0)
  // The documents of the test before may still be moving.
  await new Promise((resolve) => setTimeout(resolve, 3000))
  const before = seen.documents.length
  await new Promise((resolve) => setTimeout(resolve, 3000))
  expect(seen.documents.length).toBeLessThanOrEqual(before + 1)
  await expect.poll(() => seen.comments, { timeout: 20_000 }).toBeGreaterThan(0)
  stop()
}, 60_000)

test('a stream ends when its token is revoked', async () => {
  const { seen, revoke } = await follow()
  await expect.poll(() => seen.documents.length, { timeout: 10_000 }).toBeGreaterThan(0)
  expect(seen.ended).toBe(false)
  await revoke()
  await expect.poll(() => seen.ended, { timeout: 5000 }).toBe(true)
})
