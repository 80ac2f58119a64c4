import { once } from 'node:events'
import { connect } from 'node:net'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { findBoot, markStalledBoots } from '../../src/inventory/boots/boots.ts'
import { listBootEvents } from '../../src/inventory/boots/events.ts'
import { startTestBootServer, type TestBootServer } from '../helpers/boot-server.ts'
import { openBootFor } from '../helpers/boots.ts'

let server: TestBootServer

beforeAll(async () => {
  server = await startTestBootServer()
})
afterAll(() => server.stop())

const open = async () => {
  const { id, token } = await openBootFor(server.deps.db, {}, '127.0.0.1')
  return { id, url: `${server.url}/b/${token}` }
}
const post = (url: string, body: NonNullable<RequestInit['body']>, type?: string) =>
  fetch(url, { method: 'POST', body, ...(type !== undefined && { headers: { 'content-type': type } }) })
const messageOf = async (id: string) => (await findBoot(server.deps.db, id))?.message

describe('the message of a report', () => {
  test.each([
    ['a word', 'x', 'x'],
    ['a plus, as forms write a space', 'a+b%2Bc', 'a b+c'],
    ['a line break and a tab', 'one%0Atwo%09three', 'one\\ntwo\\tthree'],
    ['an escape sequence of a terminal', '%1b%5b31mred', '\\u{1b}[31mred'],
    ['a percent sign that encodes nothing', '100% of%20it', '100% of it'],
    ['letters of another script', 'Gerät%20fehlt', 'Gerät fehlt'],
    ['266 characters', 'y'.repeat(266), 'y'.repeat(266)],
    ['too many characters', 'z'.repeat(2600), `${'z'.repeat(1999)}…`],
    ['nothing', '%20', null],
  ])('in the query: %s', async (_, query, expected) => {
    const { id, url } = await open()
    expect((await fetch(`${url}/failed?message=${query}`)).status).toBe(200)
    expect(await messageOf(id)).toBe(expected)
  })

  test.each<[string, NonNullable<RequestInit['body']>, string | undefined, string]>([
    ['a form', 'code=7&message=no+disk%21', 'application/x-www-form-urlencoded', 'no disk!'],
    ['JSON', JSON.stringify({ message: 'no disk\nfound' }), 'application/json', 'no disk\\nfound'],
    ['JSON without its type', JSON.stringify({ message: { code: 7 } }), 'text/plain', '{"code":7}'],
    ['JSON of another kind', '[1,2]', 'application/json', '[1,2]'],
    ['a text', 'line 1\nline 2\n', 'text/plain', 'line 1\\nline 2'],
    [
      'a text that curl calls a form',
      'E: no space left & gone',
      'application/x-www-form-urlencoded',
      'E: no space left & gone',
    ],
    [
      "a step of Ubuntu's installer",
      JSON.stringify({ name: 'subiquity/Filesystem', description: 'guided', event_type: 'finish', result: 'FAIL' }),
      'application/json',
      'finish subiquity/Filesystem: guided (FAIL)',
    ],
  ])('in the body: %s', async (_, body, type, expected) => {
    const { id, url } = await open()
    expect((await post(`${url}/failed`, body, type)).status).toBe(200)
    expect(await messageOf(id)).toBe(expected)
  })

  test('in a form with parts, and beside one in the query', async () => {
    const { id, url } = await open()
    const form = new FormData()
    form.set('message', 'from the parts')
    await post(`${url}/failed?message=the+step`, form)
    expect(await messageOf(id)).toBe('the step: from the parts')
  })

  test('is the end of a log of 6 MB, whatever it is sent as', async () => {
    const log = `${'something went on\n'.repeat(350_000)}E: the last line`
    for (const body of [log, new URLSearchParams({ message: log })]) {
      const { id, url } = await open()
      expect((await post(`${url}/failed`, body)).status).toBe(200)
      const message = (await messageOf(id)) ?? ''
      expect(message.length).toBe(2000)
      expect(message.startsWith('…')).toBe(true)
      expect(message.endsWith('something went on\\nE: the last line')).toBe(true)
    }
  })
})

describe("an installer's progress", () => {
  const passed = (interval: string) =>
    server.deps.db.execute(
      sql`update boots set moved_at = moved_at - ${interval}::interval, heard_at = heard_at - ${interval}::interval`,
    )
  const now = async (id: string) => {
    const { stage, progress, outcome, message } = (await findBoot(server.deps.db, id)) ?? {}
    return { stage, progress, outcome, message }
  }

  test('moves the boot with each new step; a repeated step updates the time and records no event', async () => {
    const { id, url } = await open()
    await fetch(`${url}/installing`)
    for (const step of ['partman', 'partman', 'base-installer', 'base-installer', 'partman'])
      expect((await fetch(`${url}/progress?message=${step}`)).status).toBe(200)
    expect(await now(id)).toMatchObject({ stage: 'progress', progress: 'partman', outcome: null })
    const events = await listBootEvents(server.deps.db, id)
    expect(events.map(({ stage, message }) => message ?? stage)).toEqual([
      'local',
      'installing',
      'partman',
      'base-installer',
      'partman',
    ])
  })

  test('that repeats a step waits at a question; a new step ends the stall', async () => {
    const { id, url } = await open()
    await fetch(`${url}/progress?message=keyboard`)
    await passed('25 minutes')
    await fetch(`${url}/progress?message=keyboard`)
    await markStalledBoots(server.deps.db)
    expect((await now(id)).message).toMatch(
      /^stalled at progress: .* waits for input that the answer file does not give, .*; its last step: keyboard$/,
    )
    await fetch(`${url}/progress?message=keyboard`)
    expect((await now(id)).outcome).toBe('stalled')
    await fetch(`${url}/progress?message=network`)
    expect(await now(id)).toEqual({ stage: 'progress', progress: 'network', outcome: null, message: null })
  })

  test('that stops does not count as waiting at a question', async () => {
    const { id, url } = await open()
    await fetch(`${url}/progress?message=unpacking`)
    await passed('25 minutes')
    await markStalledBoots(server.deps.db)
    expect((await now(id)).message).toMatch(
      /^stalled at progress: the installer stopped reporting its steps: .*; its last step: unpacking$/,
    )
  })

  test('leaves room in the record for the end of the installation', async () => {
    const { id, url } = await open()
    await server.deps.db.execute(sql`
      insert into boot_events (boot_id, ip, stage, message) select ${id}, '127.0.0.1', 'progress', n from generate_series(2, 299) as n`)
    for (const step of ['300', '301', '302']) await fetch(`${url}/progress?message=${step}`)
    await fetch(`${url}/installed`)
    const events = await listBootEvents(server.deps.db, id)
    expect(events.slice(-2).map(({ stage, message }) => message ?? stage)).toEqual(['300', 'installed'])
    expect(await now(id)).toMatchObject({ outcome: 'installed', progress: '302' })
  })
})

test.each([
  ['a report', (boot: string) => `${boot}/progress`],
  ['what an installer says of its machine', () => '/answer/pve'],
])('slow bodies of %s hold no turn: probes, scripts and whole reports are answered', async (_, pathOf) => {
  const { id, url } = await open()
  const path = pathOf(new URL(url).pathname)
  const sockets = Array.from({ length: 24 }, () => connect(server.port, '127.0.0.1'))
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
  })
  for (const socket of sockets)
    socket.on('error', () => {}).write(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: 50\r\n\r\nhalf`)
  // So that the server has begun to read the bodies.
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  await new Promise((resolve) => setTimeout(resolve, 200))
  for (const other of ['/livez', '/healthz', '/ipxe?mac=52-54-00-9a-bc-de', '/boot.ipxe'])
    expect((await fetch(`${server.url}${other}`, { signal: AbortSignal.timeout(5000) })).status).toBe(200)
  expect((await post(`${url}/failed`, 'no disk', 'text/plain')).status).toBe(200)
  expect(await messageOf(id)).toBe('no disk')
})
