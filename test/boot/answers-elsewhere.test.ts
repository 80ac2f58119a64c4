import { request } from 'node:http'
import { text as readText } from 'node:stream/consumers'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { findBoot, listBoots, markStalledBoots } from '../../src/inventory/boots/boots.ts'
import { listBootEvents } from '../../src/inventory/boots/events.ts'
import { saveAnswerFile } from '../../src/inventory/images/answer-files.ts'
import { saveImage } from '../../src/inventory/images/images.ts'
import { saveMachine } from '../../src/inventory/machines/machines.ts'
import { bootAsIpxe, startTestBootServer, type TestBootServer } from '../helpers/boot-server.ts'

let server: TestBootServer
let mac: string
let macs = 0

beforeAll(async () => {
  server = await startTestBootServer({ answerSubnets: ['127.0.5.0/24'] })
  const { db } = server.deps
  const kernel = await server.addFile('linux', Buffer.from('kernel'))
  const args = ['url={{ boot.answer_url }}']
  await saveImage(
    db,
    'proxmox',
    { variants: [{ arch: 'x86_64', kind: 'linux', kernel, initrds: [], args }] },
    {},
    'tester',
  )
  const text = 'fqdn = "{{ machine.hostname }}"\nurl = "{{ boot.url }}/installed"\n'
  await saveAnswerFile(db, 'pve', { documents: [{ name: 'answer.toml', mediaType: 'text/plain', text }] }, {}, 'tester')
})
afterAll(() => server.stop())
beforeEach(async () => {
  macs += 1
  mac = `52:54:00:ae:00:${macs.toString(16).padStart(2, '0')}`
  const assignment = { image: 'proxmox', answerFile: 'pve', everyBoot: true as const }
  await saveMachine(server.deps.db, { mac }, { hostname: `pve-${macs}`, assignment }, {}, 'tester')
})

const boot = async () => {
  const script = await bootAsIpxe(server, `mac=${mac}&platform=efi&buildarch=x86_64`)
  const [newest] = await listBoots(server.deps.db, {}, 1)
  return { id: newest?.id as string, url: /url=(http:\S+)/.exec(script)?.[1] as string }
}
/** Asks from an address of loopback's. */
const ask = (url: string, localAddress: string, body?: unknown) =>
  new Promise<{ status: number; text: string }>((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST'
    const sent = request(url, { method, localAddress }, (response) =>
      readText(response).then((text) => resolve({ status: response.statusCode ?? 0, text }), reject),
    )
    sent.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body))
  })
const noticesOf = async (id: string) =>
  (await listBootEvents(server.deps.db, id)).filter(({ stage }) => stage === 'notice').map(({ message }) => message)
/** As Proxmox VE's installer describes its machine. */
const systemOf = (...addresses: string[]) => ({
  product: { fullname: 'Proxmox VE', product: 'pve', enable_btrfs: false },
  dmi: { system: { uuid: '4c4c4544-0038-3510-8052-b4c04f4e3132', serial: 'X' } },
  network_interfaces: addresses.map((address, n) => ({ link: `eth${n}`, mac: address })),
})

describe('an answer file that is asked for from another address', () => {
  test('is refused, and the boot tells why, what would allow it, and as a cause when it stalls', async () => {
    const { id, url } = await boot()
    for (let times = 0; times < 3; times++) expect((await ask(url, '127.0.0.7')).status).toBe(403)
    const refused =
      'refused the answer file answer.toml to 127.0.0.7: the script was fetched from another address, 127.0.0.1; to allow it: BOOTWRIGHT_ANSWER_SUBNETS=127.0.0.0/24, or BOOTWRIGHT_ANSWERS_TO_ANY_ADDRESS=yes'
    expect(await noticesOf(id)).toEqual([refused])
    await server.deps.db.execute(sql`update boots set moved_at = now() - interval '1 hour' where id = ${id}`)
    await markStalledBoots(server.deps.db)
    const { outcome, message } = (await findBoot(server.deps.db, id)) ?? {}
    expect([outcome, message?.endsWith(`; ${refused}`)]).toEqual(['stalled', true])
  })

  test('is given in a subnet that may have it, and not beside it', async () => {
    const { url } = await boot()
    expect((await ask(url, '127.0.5.20')).text).toContain(`fqdn = "pve-${macs}"`)
    expect((await ask(url, '127.0.6.20')).status).toBe(403)
  })

  test('that ended says so in its record', async () => {
    const { id, url } = await boot()
    await fetch(url.replace(/answer\/.*/, 'installed'))
    expect((await ask(url, '127.0.0.1')).status).toBe(403)
    await server.deps.inventory.events.flush()
    expect(await noticesOf(id)).toEqual([
      'refused the answer file answer.toml to 127.0.0.1: the boot has ended: installed',
    ])
  })
})

describe('an installer that can only POST', () => {
  test('gets its answers at its own URL', async () => {
    const { id, url } = await boot()
    expect(await ask(url, '127.0.0.1', systemOf(mac))).toMatchObject({ status: 200 })
    expect((await findBoot(server.deps.db, id))?.stage).toBe('answer-file')
  })

  test('gets them at a URL that is the same for all, by what it posts; and its reports open its boot', async () => {
    const { id } = await boot()
    const { status, text } = await ask(
      `${server.url}/answer/answer.toml`,
      '127.0.0.1',
      systemOf('52:54:00:ff:00:01', mac),
    )
    expect([status, text.split('\n')[0]]).toEqual([200, `fqdn = "pve-${macs}"`])
    expect((await findBoot(server.deps.db, id))?.stage).toBe('answer-file')
    const report = /url = "([^"]+)"/.exec(text)?.[1] as string
    expect(await (await fetch(report)).text()).toBe('ok\n')
    expect((await findBoot(server.deps.db, id))?.outcome).toBe('installed')
    expect((await ask(`${server.url}/answer/answer.toml`, '127.0.0.1', systemOf(mac))).status).toBe(404)
  })

  test('gets its own there although a stranger opened a newer boot of the machine', async () => {
    await boot()
    const url = `${server.url}/ipxe?mac=${mac}&platform=efi&buildarch=x86_64`
    await new Promise((resolve, reject) => {
      const headers = { 'user-agent': 'iPXE/1.21.1' }
      request(url, { localAddress: '127.0.0.9', headers }, (response) => response.resume().on('end', resolve))
        .on('error', reject)
        .end()
    })
    const { status, text } = await ask(`${server.url}/answer/answer.toml`, '127.0.0.1', systemOf(mac))
    expect([status, text.split('\n')[0]]).toEqual([200, `fqdn = "pve-${macs}"`])
  })

  test.each<[string, string, () => unknown]>([
    ['from another address', '127.0.0.7', () => systemOf(mac)],
    ['from a subnet that may ask with a token', '127.0.5.7', () => systemOf(mac)],
    ['of another machine', '127.0.0.1', () => systemOf('52:54:00:ff:00:02')],
    ['without a MAC', '127.0.0.1', () => systemOf()],
    ['with a text', '127.0.0.1', () => mac.slice(0, 8)],
    ['nested too deep', '127.0.0.1', () => JSON.parse(`${'['.repeat(50)}"${mac}"${']'.repeat(50)}`)],
  ])('gets none there %s', async (_, address, body) => {
    await boot()
    expect((await ask(`${server.url}/answer/answer.toml`, address, body())).status).toBe(404)
  })

  test('gets none there before a boot of it, nor with more than may be sent', async () => {
    expect((await ask(`${server.url}/answer/answer.toml`, '127.0.0.1', systemOf(mac))).status).toBe(404)
    await boot()
    const long = { ...systemOf(mac), more: 'x'.repeat(300_000) }
    expect((await ask(`${server.url}/answer/answer.toml`, '127.0.0.1', long)).status).toBe(400)
    const plain = await fetch(`${server.url}/answer/answer.toml`, { method: 'POST', body: 'no JSON' })
    expect(plain.status).toBe(400)
  })
})
