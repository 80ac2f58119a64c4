import { pino } from 'pino'
import { expect, test } from 'vitest'
import { findBoot } from '../../../src/inventory/boots/boots.ts'
import { listBootEvents } from '../../../src/inventory/boots/events.ts'
import type { Sighting } from '../../../src/inventory/boots/reports.ts'
import { openBootFor, testBootKeys } from '../../helpers/boots.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { startTestRecorder } from '../../helpers/journal.ts'
import { recordReports } from '../../helpers/reports.ts'

const ip = '192.0.2.7'

eachDatabase('reports that come at the same time', (database) => {
  const openMany = async (count: number) => {
    const boots = []
    for (let n = 0; n < count; n++) boots.push(await openBootFor(database(), {}, ip))
    return boots
  }
  const stagesOf = async (id: string) => (await listBootEvents(database(), id)).map(({ stage }) => stage)

  test('are each written to their own boot, and one without a boot is not written', async () => {
    const boots = await openMany(70)
    const unknown = { bootId: testBootKeys().id, seen: 'booted', ip, message: undefined, ageMs: 0 } as const
    const sightings = boots.map(
      ({ id }, n): Sighting => ({ ...unknown, bootId: id, message: n % 2 === 0 ? `up ${n}` : undefined }),
    )
    expect(await recordReports(database(), [unknown, ...sightings])).toEqual(sightings)
    for (const [n, { id }] of boots.entries()) {
      expect(await findBoot(database(), id)).toMatchObject({
        outcome: 'booted',
        stage: 'booted',
        message: n % 2 === 0 ? `up ${n}` : null,
        endedAt: expect.any(Date),
      })
      expect(await stagesOf(id)).toEqual(['script', 'booted'])
    }
  })

  test('of one boot count in the order of their arrival: the first end is the outcome', async () => {
    const [boot] = await openMany(1)
    const { id } = boot as { id: string }
    const seen = ['ready', 'failed', 'booted', 'installing'] as const
    // One batch contains all reports, and must process them one after the other.
    const sightings = seen.map((one) => ({ bootId: id, seen: one, ip, message: one, ageMs: 0 }))
    expect(await recordReports(database(), sightings)).toEqual(sightings)
    expect(await findBoot(database(), id)).toMatchObject({ outcome: 'failed', message: 'failed' })
    expect(await stagesOf(id)).toEqual(['script', ...seen])
  })

  test('do not deadlock with events of the same boots', async () => {
    const boots = await openMany(40)
    const warned: string[] = []
    const recorder = startTestRecorder(database(), pino({ level: 'warn' }, { write: (line) => warned.push(line) }))
    for (let round = 0; round < 10; round++) {
      for (const { id } of boots.toReversed()) recorder.record({ bootId: id, ip, stage: 'file' })
      const flushed = recorder.flush()
      await recordReports(
        database(),
        boots.map(({ id }) => ({ bootId: id, seen: 'ready', ip, message: undefined, ageMs: 0 })),
      )
      await flushed
    }
    await recorder.stop()
    expect(warned).toEqual([])
    for (const { id } of boots) expect(await stagesOf(id)).toHaveLength(21)
  })
})
