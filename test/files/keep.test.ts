import { createHash } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findStored, keepFile, recordFile, reuseStored, storeBytes } from '../../src/files/keep.ts'
import { findFile, recordDamage } from '../../src/inventory/images/files.ts'
import { eachDatabase } from '../helpers/database.ts'
import { openStored, type Stored } from '../helpers/stored.ts'

const bytes = Buffer.from('kernel')
const sha256 = createHash('sha256').update(bytes).digest('hex')
const file = { sha256, name: 'vmlinuz' }

eachDatabase('keeping a file', (database) => {
  let stored: Stored
  let writes = 0
  const write: Parameters<typeof keepFile>[2] = (store) => {
    writes += 1
    return store.put(sha256, inOne(), bytes.length)
  }
  beforeEach(async () => {
    stored = await openStored(database())
    writes = 0
  })
  afterEach(() => stored.remove())

  test('stores and records a new file, and neither a second time', async () => {
    const first = await keepFile(stored.deps, file, write)
    expect(first).toMatchObject({ created: true, written: true, file: { ...file, sizeBytes: 6, damage: null } })
    const second = await keepFile(stored.deps, { sha256, name: 'another-name' }, write)
    expect(second).toMatchObject({ created: false, written: false, file })
    expect(writes).toBe(1)
  })

  test('a damaged file is written again, and is damaged no longer', async () => {
    await keepFile(stored.deps, file, write)
    await recordDamage(database(), sha256, { kind: 'changed', damage: 'its sha256 is another' })
    expect([await reuseStored(stored.deps, sha256), await findStored(stored.deps, sha256)]).toEqual([
      undefined,
      undefined,
    ])
    const again = await keepFile(stored.deps, file, write)
    expect(again).toMatchObject({ created: false, written: true, file: { damage: null } })
    expect(writes).toBe(2)
  })

  test('a recorded file whose bytes are gone is written again', async () => {
    await keepFile(stored.deps, file, write)
    await stored.deps.store.remove(sha256)
    expect(await findStored(stored.deps, sha256)).toBeUndefined()
    expect(await keepFile(stored.deps, file, write)).toMatchObject({ created: false, written: true })
    expect(await findStored(stored.deps, sha256)).toMatchObject(file)
  })

  test('bytes that were removed before their record was made are not recorded', async () => {
    const sizeBytes = await storeBytes(stored.deps, sha256, write)
    expect(await findFile(database(), sha256)).toBeUndefined()
    await stored.deps.store.remove(sha256)
    await expect(recordFile(stored.deps, { ...file, sizeBytes })).rejects.toThrow(sha256)
    expect(await findFile(database(), sha256)).toBeUndefined()
  })

  test('nothing is recorded when the bytes cannot be stored', async () => {
    const failing = keepFile(stored.deps, file, (store) => store.put(sha256, inOne(), 3))
    await expect(failing).rejects.toThrow('at most 3 bytes')
    expect(await findFile(database(), sha256)).toBeUndefined()
    expect(await stored.deps.store.size(sha256)).toBeUndefined()
  })
})

async function* inOne(): AsyncGenerator<Uint8Array> {
  yield bytes
}
