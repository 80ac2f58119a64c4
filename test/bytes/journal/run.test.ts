import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type JournalFiles, openJournalFiles } from '../../../src/bytes/journal/open-journal.ts'
import type { ReadableRun, RunSettings } from '../../../src/bytes/journal/run.ts'
import { canMount } from '../../helpers/power-disk.ts'
import { seeded } from '../../helpers/seeded.ts'

let folder: string
let damage: { bytes: number; torn: boolean }[]
let faults: (string | undefined)[]
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bootwright-journal-'))
  damage = []
  faults = []
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const open = (settings: Partial<RunSettings> = {}): Promise<JournalFiles<number>> =>
  openJournalFiles<number>({
    folder,
    maxBytes: 2 ** 30,
    onDamage: (found) => damage.push(found),
    onFault: (fault) => faults.push(fault),
    retryMs: 1,
    ...settings,
  })

/** All texts after an offset, read in small pieces. */
async function textsOf(run: ReadableRun<number>, from = run.first()): Promise<string[]> {
  const texts: string[] = []
  for (let at = from; ; ) {
    const entries = await run.read(at, 100)
    if (entries.length === 0) return texts
    texts.push(...entries.map(({ text }) => text))
    at = entries.at(-1)?.end ?? at
  }
}

const files = async () => (await readdir(folder)).filter((name) => name.endsWith('.log')).sort()

describe('the journal of a run', () => {
  test('gives texts back in their order, from memory and after the process ended', async () => {
    const { run } = await open()
    const texts = Array.from({ length: 500 }, (_, n) => `${n}: ${'ä€😀'.repeat(n % 7)}`)
    const places = await Promise.all(texts.map((text, n) => run.append(text, n)))
    expect(places.every((place) => place?.stored)).toBe(true)
    expect(await textsOf(run)).toEqual(texts)
    expect((await run.read(0, 1)).map(({ note }) => note)).toEqual([0])
    // The first run is not closed: its process may have been killed.
    const { former, run: second } = await open()
    expect(former.map(({ run: id }) => id)).toEqual([run.run])
    expect(await textsOf(former[0] as ReadableRun<never>)).toEqual(texts)
    await second.close()
    await run.close()
  })

  test('reads files for texts that left memory, and gives each text once', async () => {
    const { run } = await open({ maxMemory: 2000, segmentBytes: 3000 })
    const texts = Array.from({ length: 300 }, (_, n) => `${n} ${'x'.repeat(n % 90)}`)
    for (const [n, text] of texts.entries()) await run.append(text, n)
    expect((await files()).length).toBeGreaterThan(3)
    expect(await textsOf(run)).toEqual(texts)
    await run.close()
  })

  test('deletes whole files that were released, but not while they are young', async () => {
    const { run } = await open({ segmentBytes: 1000, keptMs: 200 })
    let end = 0
    for (let n = 0; n < 50; n++) end = (await run.append('y'.repeat(100), n))?.end ?? 0
    const before = await files()
    run.release(end)
    expect(run.waitingBytes()).toBe(0)
    expect(await files()).toEqual(before)
    // A reader may go back to an older offset of a database that failed over.
    expect((await textsOf(run, 0)).length).toBe(50)
    await expect.poll(files, { timeout: 2000 }).toEqual(before.slice(-1))
    await run.append('after', 51)
    expect(await textsOf(run, end)).toEqual(['after'])
    await run.close()
  })

  test('ignores a record that was not complete when the process was killed', async () => {
    const { run } = await open()
    for (const text of ['one', 'two', 'three']) await run.append(text, 0)
    const [name = ''] = await files()
    const { length } = await readFile(join(folder, name))
    for (const cut of [1, 3, 8, 12]) {
      await truncate(join(folder, name), length - cut)
      const { former, run: next } = await open()
      expect(await textsOf(former[0] as ReadableRun<never>), `cut ${cut}`).toEqual(['one', 'two'])
      await next.close()
    }
    expect(damage.every(({ torn }) => torn)).toBe(true)
    await run.close()
  })

  test('ignores zeros that a power cut left at the end of a file', async () => {
    const { run } = await open()
    await run.append('one', 0)
    const [name = ''] = await files()
    await writeFile(join(folder, name), Buffer.alloc(4096), { flag: 'a' })
    const { former, run: next } = await open()
    expect(await textsOf(former[0] as ReadableRun<never>)).toEqual(['one'])
    await next.close()
    await run.close()
  })

  test('loses at most one record by a flipped bit, and never gives a wrong one', async () => {
    const random = seeded('flipped bits of the journal')
    const { run } = await open()
    const texts = Array.from({ length: 30 }, (_, n) => JSON.stringify({ n, text: 'z'.repeat(random.between(0, 60)) }))
    for (const [n, text] of texts.entries()) await run.append(text, n)
    const [name = ''] = await files()
    const bytes = await readFile(join(folder, name))
    const firstRecord = bytes.indexOf('{"n":0')
    for (let times = 0; times < 200; times++) {
      const changed = Buffer.from(bytes)
      const at = random.between(firstRecord, bytes.length - 1)
      changed[at] = (changed[at] as number) ^ (1 << random.between(0, 7))
      await writeFile(join(folder, name), changed)
      const { former, run: next } = await open()
      const found = await textsOf(former[0] as ReadableRun<never>)
      expect(found.length, `seed ${random.seed}, byte ${at}`).toBeGreaterThanOrEqual(texts.length - 1)
      expect(found.filter((text) => !texts.includes(text))).toEqual([])
      await next.close()
    }
    await run.close()
  })

  test('refuses texts beyond its limit, and takes texts again after a release', async () => {
    const { run } = await open({ maxBytes: 2000 })
    let last = 0
    for (let n = 0; n < 30; n++) last = (await run.append('w'.repeat(100), n))?.end ?? last
    expect(await run.append('w'.repeat(1000), 0)).toBeUndefined()
    run.release(last)
    expect(await run.append('w'.repeat(1000), 0)).toMatchObject({ stored: true })
    await run.close()
  })

  test('counts the bytes of former runs towards its limit', async () => {
    const { run: first } = await open()
    await first.append('v'.repeat(1500), 0)
    const { run, former } = await open({ maxBytes: 2000 })
    expect(await run.append('v'.repeat(1000), 0)).toBeUndefined()
    former[0]?.release(Number.MAX_SAFE_INTEGER)
    expect(await run.append('v'.repeat(1000), 0)).toMatchObject({ stored: true })
    await first.close()
    await run.close()
  })

  test('orders runs by their start, although the clock was set back', async () => {
    const { run: first } = await open()
    await first.append('first', 0)
    const { run: second } = await open()
    await second.append('second', 0)
    const [, name = ''] = await files()
    // An id from a clock that was far behind.
    const old = name.replace(/(?<=^\d{8}-)[0-9a-f-]{36}/, '00000000-0000-7000-8000-000000000000')
    await writeFile(join(folder, old), await readFile(join(folder, name)))
    await rm(join(folder, name))
    const { former, run } = await open()
    expect(await Promise.all(former.map((one) => textsOf(one as ReadableRun<never>)))).toEqual([['first'], ['second']])
    for (const one of [first, second, run]) await one.close()
  })

  test('gives the present time of a former run on its own clock', async () => {
    const { run } = await open()
    const before = run.now()
    await run.append(String(before), 0)
    await sleep(50)
    const { former, run: next } = await open()
    expect((former[0]?.now() ?? 0) - before).toBeGreaterThanOrEqual(49)
    expect((former[0]?.now() ?? 0) - before).toBeLessThan(30_000)
    await next.close()
    await run.close()
  })

  test('syncs in groups, and a sync covers everything before it', async () => {
    const { run } = await open({ segmentBytes: 1000 })
    const results = await Promise.all(
      Array.from({ length: 40 }, async (_, n) => {
        await run.append('u'.repeat(100), n)
        return run.sync()
      }),
    )
    expect(results.every(Boolean)).toBe(true)
    await run.close()
  })
})

describe.runIf(canMount)('the journal on a disk with faults', () => {
  let disk: string
  beforeEach(async () => {
    disk = await mkdtemp(join(tmpdir(), 'bootwright-journal-disk-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk])
  })
  afterEach(async () => {
    execFileSync('umount', ['-l', disk])
    await rm(disk, { recursive: true })
  })

  test('keeps records in memory while the disk is full, up to a limit, and gives all in order', async () => {
    const { run } = await open({ folder: join(disk, 'journal'), maxMemory: 100_000, segmentBytes: 50_000 })
    const taken: string[] = []
    const put = async (n: number) => {
      const text = `${n} ${'t'.repeat(5000)}`
      const place = await run.append(text, n)
      if (place !== undefined) taken.push(text)
      return place
    }
    const places: ({ stored: boolean } | undefined)[] = []
    for (let n = 0; n < 100; n++) places.push(await put(n))
    expect(places.slice(0, 30).every((place) => place?.stored)).toBe(true)
    expect(places.some((place) => place?.stored === false)).toBe(true)
    expect(places.at(-1)).toBeUndefined()
    expect(run.fault()).toMatch(/ENOSPC/)
    expect(faults).toEqual([expect.stringMatching(/ENOSPC/)])

    execFileSync('mount', ['-o', 'remount,size=2m', disk])
    await sleep(5)
    expect(await put(100)).toMatchObject({ stored: true })
    expect(run.fault()).toBeUndefined()
    expect(faults.length).toBe(2)
    expect(await textsOf(run)).toEqual(taken)
    await run.close()
  })

  test('starts on a read-only disk, with the records of former runs', async () => {
    const journal = join(disk, 'journal')
    const { run: first } = await open({ folder: journal })
    await first.append('before', 0)
    await first.close()
    execFileSync('mount', ['-o', 'remount,ro', disk])
    const { run, former } = await open({ folder: journal })
    expect(await textsOf(former[0] as ReadableRun<never>)).toEqual(['before'])
    expect(await run.append(randomBytes(10).toString('hex'), 0)).toMatchObject({ stored: false })
    expect(run.fault()).toMatch(/EROFS/)
    await run.close()
  })
})
