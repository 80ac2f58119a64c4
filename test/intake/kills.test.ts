import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, beforeEach, expect, inject, test } from 'vitest'
import { createFresh, putTestDatabase } from '../helpers/database.ts'
import { debianFile } from '../helpers/debian.ts'
import { type RoughWeb, startRoughWeb } from '../helpers/rough-web.ts'
import { type ServerProcess, startServerProcess } from '../helpers/server-process.ts'

// KILLS=100 for longer.
const kills = Number(process.env.KILLS ?? 6)

const linux = debianFile('linux')
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

let dataDir: string
let web: RoughWeb
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'bootwright-kills-'))
  web = await startRoughWeb({}, () => ({ bytesPerSecond: 8_000_000 }))
})
afterEach(async () => {
  await web.stop()
  await rm(dataDir, { recursive: true })
})

/** Sends a file in one part after the other, slowly, until it is stored or the server is gone. */
async function upload(server: ServerProcess, bytes: Buffer): Promise<boolean> {
  const hash = sha256(bytes)
  const { body: state } = await server.ask('GET', `/files/${hash}/upload`)
  if (state.stored) return true
  const from: number = state.receivedBytes
  const range = from < bytes.length ? `bytes ${from}-${bytes.length - 1}/${bytes.length}` : `bytes */${bytes.length}`
  const sent = request({
    ...{
      socketPath: join(dataDir, 'admin.sock'),
      method: 'PUT',
      path: `/api/v1/files/${hash}?name=up.img`,
      agent: false,
    },
    headers: { 'content-range': range, 'content-length': bytes.length - from },
  })
  const answered = once(sent, 'response')
  answered.catch(() => {})
  for (let at = from; at < bytes.length; at += 100_000) {
    sent.write(bytes.subarray(at, at + 100_000))
    if (sent.destroyed) break
    await wait(15)
  }
  sent.end()
  const [response] = await answered
  return response.statusCode < 202
}

/** Every file in the store is what its name says, whenever it was that the server was killed. */
async function checkStore(): Promise<string[]> {
  const hashes: string[] = []
  for (const folder of (await readdir(join(dataDir, 'files'))).filter((name) => name.length === 2))
    for (const name of await readdir(join(dataDir, 'files', folder))) {
      hashes.push(name)
      expect(sha256(await readFile(join(dataDir, 'files', folder, name)))).toBe(name)
    }
  return hashes
}

test.each([
  ['the embedded database', undefined, Math.ceil(kills / 4)],
  ['PostgreSQL', inject('postgresUrl'), Math.floor((kills * 3) / 4)],
])(
  'killed in the middle of imports and uploads, again and again, on %s: nothing is ever half there, and all of it comes',
  { timeout: 60_000 + kills * 10_000 },
  async (title, postgresUrl, times) => {
    if (title === 'PostgreSQL' && postgresUrl === undefined) return
    const env: Record<string, string> =
      postgresUrl === undefined ? {} : { DATABASE_URL: await createFresh(postgresUrl) }
    if (postgresUrl === undefined) putTestDatabase(dataDir)
    const wanted = new Map<string, string>()
    const uploads = new Set<string>()
    let current: { id: string; image: string } | undefined
    let uploading = randomBytes(10_000_000)
    const middle = { imports: 0, uploads: 0 }

    const check = async (server: ServerProcess) => {
      const images = (await server.ask('GET', '/images')).body.items
      const stored = await checkStore()
      for (const { name, variants } of images) {
        expect(variants[0].file.sha256).toBe(wanted.get(name))
        expect(stored).toContain(wanted.get(name))
      }
      if (current === undefined) return
      const { body } = await server.ask('GET', `/imports/${current.id}`)
      expect(['waiting', 'running', 'done'], body.message).toContain(body.state)
      if (body.state === 'done') current = undefined
    }
    const ask = async (server: ServerProcess) => {
      if (current !== undefined) return
      // Other bytes each time: a file that is known is not fetched.
      const image = `image${wanted.size}`
      const bytes = Buffer.concat([Buffer.from(`#!ipxe\n# ${image}\n`), linux])
      web.files.set(`/${image}.ipxe`, bytes)
      wanted.set(image, sha256(bytes))
      const { body } = await server.ask('POST', '/imports', { image, url: `${web.url}/${image}.ipxe` })
      current = { id: body.id, image }
    }

    for (let count = 0; count < times; count++) {
      const server = await startServerProcess(dataDir, env)
      try {
        await check(server)
        await ask(server)
        const sending = upload(server, uploading).then(
          (stored) => {
            if (!stored) return
            uploads.add(sha256(uploading))
            uploading = randomBytes(10_000_000)
          },
          () => {},
        )
        await wait(50 + Math.random() * 1000)
        const parts = await readdir(join(dataDir, 'files', 'incoming-parts'))
        if (parts.some((name) => name.startsWith('download-'))) middle.imports++
        if (parts.some((name) => name.startsWith('upload-'))) middle.uploads++
        await server.kill()
        await sending
      } finally {
        await server.kill()
      }
    }
    const server = await startServerProcess(dataDir, env)
    try {
      const last = current?.id
      if (last !== undefined)
        await expect
          .poll(async () => (await server.ask('GET', `/imports/${last}`)).body.state, {
            timeout: 30_000,
            interval: 100,
          })
          .toBe('done')
      while (!(await upload(server, uploading)));
      uploads.add(sha256(uploading))
      await check(server)
      const stored = await checkStore()
      for (const hash of [...wanted.values(), ...uploads]) expect(stored).toContain(hash)
      expect((await server.ask('GET', '/images')).body.items).toHaveLength(wanted.size)
      await expect.poll(() => readdir(join(dataDir, 'files', 'incoming-parts'))).toEqual([])
      if (kills >= 50) console.log(title, { times, middle, images: wanted.size, uploads: uploads.size })
      expect(middle.imports + middle.uploads).toBeGreaterThan(0)
    } finally {
      await server.kill()
    }
  },
)
