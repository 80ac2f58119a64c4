import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Nginx, startNginx } from '../../scripts/servers/nginx.ts'
import type { OpenDb } from '../../src/db/open.ts'
import { openTestDatabase } from '../helpers/database.ts'
import { openTestIntake, type TestIntake } from '../helpers/intake.ts'
import { hasTool } from '../helpers/needs.ts'
import { roundsOf, seeded } from '../helpers/seeded.ts'

// Web servers that close the connection after each response (nginx without keep-alive, HTTP/1.0), at many sizes and speeds.
const kinds = {
  'nginx without keep-alive': 'keepalive_timeout 0;',
  'nginx without keep-alive, without a length': 'keepalive_timeout 0; ssi on; ssi_types *;',
  'nginx, slowly': 'keepalive_timeout 0; limit_rate 20m; sendfile_max_chunk 64k;',
}

let folder: string
let opened: OpenDb
let intake: TestIntake
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bootwright-soak-imports-'))
  opened = await openTestDatabase()
  intake = await openTestIntake(opened.db, { stallSeconds: 20 })
})
afterAll(async () => {
  await intake.stop()
  await opened.close()
  await rm(folder, { recursive: true })
})

for (const [kind, lines] of Object.entries(kinds))
  test.runIf(hasTool('nginx', 'nginx-light'))(`imports end well: ${kind}`, async () => {
    const { between } = seeded(kind)
    const nginx: Nginx = await startNginx(join(folder, 'nginx'), folder, lines)
    try {
      for (let round = 0; round < roundsOf(20); round++) {
        // The sizes are from one byte to 64 MB, and mostly small.
        const sizeBytes = Math.floor(2 ** (between(0, 2600) / 100))
        await writeFile(join(folder, 'tool.efi'), peImage(sizeBytes))
        const plan = { kind: 'url' as const, url: `${nginx.url}/tool.efi`, keepIso: false }
        expect([sizeBytes, await intake.run(plan, 'tool')]).toMatchObject([sizeBytes, { state: 'done' }])
      }
    } finally {
      await nginx.stop()
    }
  })

/** Bytes that begin like an EFI program. */
function peImage(sizeBytes: number): Buffer {
  const bytes = Buffer.alloc(512 + sizeBytes, 'bootwright')
  bytes.write('MZ')
  bytes.writeUInt32LE(64, 60)
  bytes.write('PE\0\0', 64)
  bytes.writeUInt16LE(0x8664, 68)
  return bytes
}
