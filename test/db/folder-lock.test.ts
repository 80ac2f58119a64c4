import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { lockFolder } from '../../src/db/folder-lock.ts'
import { startServerProcess } from '../helpers/server-process.ts'

describe('a data folder with an embedded database', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'bootwright-lock-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  test('has one lock, which its holder keeps until it releases it', async () => {
    const first = await lockFolder(folder, join(folder, 'owner.lock'))
    for (let count = 0; count < 3; count++)
      await expect(lockFolder(folder, join(folder, 'owner.lock'))).rejects.toThrow(
        `BOOTWRIGHT_DATA_DIR: another server is already using ${folder}`,
      )
    await first.release()
    await (await lockFolder(folder, join(folder, 'owner.lock'))).release()
  })

  test('is opened by only one of several servers that start together, whose acknowledged changes survive a kill', async () => {
    const starts = await Promise.allSettled([1, 2, 3].map(() => startServerProcess(folder)))
    const servers = starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []))
    const refusals = starts.flatMap((start) => (start.status === 'rejected' ? [String(start.reason)] : []))
    try {
      expect([servers.length, refusals.length]).toEqual([1, 2])
      for (const refusal of refusals) expect(refusal).toContain(`another server is already using ${folder}`)
      const [server] = servers as [Awaited<ReturnType<typeof startServerProcess>>]
      expect((await server.ask('PUT', '/machines/52:54:00:12:34:56', { hostname: 'kept' })).status).toBe(201)
      await server.kill()
      const again = await startServerProcess(folder)
      servers.push(again)
      expect((await again.ask('GET', '/machines/52:54:00:12:34:56')).body.hostname).toBe('kept')
    } finally {
      for (const server of servers) await server.kill()
    }
  }, 240_000)
})
