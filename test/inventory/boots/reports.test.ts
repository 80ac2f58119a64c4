import { pino } from 'pino'
import { expect, test } from 'vitest'
import { findBoot } from '../../../src/inventory/boots/boots.ts'
import { listBootEvents, startBootEventRecorder } from '../../../src/inventory/boots/events.ts'
import { createRecordReport } from '../../../src/inventory/boots/reports.ts'
import { openBootFor } from '../../helpers/boots.ts'
import { eachDatabase } from '../../helpers/database.ts'

const ip = '192.0.2.7'

eachDatabase('reports that come at the same time', (database) => {
  const openMany = async (count: number) => {
    const boots = []
    for (let n = 0; n < count; n++) boots.push(await openBootFor(database(), {}, ip))
    return boots
  }
  const stagesOf = async (id: string) => (await listBootEvents(database(), id)).map(({ stage }) => stage)

  test('are each written to their own boot, and an unknown token is refused', async () => {
    const boots = await openMany(70)
    const report = createRecordReport(database())
    const known = await Promise.all([
      report('no such token', 'booted', ip, undefined),
      ...boots.map(({ token }, n) => report(token, 'booted', ip, n % 2 === 0 ? `up ${n}` : undefined)),
    ])
    expect(known).toEqual([false, ...boots.map(() => true)])
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
    const { id, token } = boot as { id: string; token: string }
    const report = createRecordReport(database())
    const seen = ['ready', 'failed', 'booted', 'installing'] as const
    // One batch contains all reports, and must process them one after the other.
    expect(await Promise.all(seen.map((one) => report(token, one, ip, one)))).toEqual([true, true, true, true])
    expect(await findBoot(database(), id)).toMatchObject({ outcome: 'failed', message: 'failed' })
    expect(await stagesOf(id)).toEqual(['script', ...seen])
  })

  test('do not deadlock with events of the same boots', async () => {
    const boots = await openMany(40)
    const report = createRecordReport(database())
    const warned: string[] = []
    const recorder = startBootEventRecorder(database(), pino({ level: 'warn' }, { write: (line) => warned.push(line) }))
    for (let round = 0; round < 10; round++) {
      for (const { id } of boots.toReversed()) recorder.record({ bootId: id, ip, stage: 'file' })
      const flushed = recorder.flush()
      await Promise.all(boots.map(({ token }) => report(token, 'ready', ip, undefined)))
      await flushed
    }
    await recorder.stop()
    expect(warned).toEqual([])
    for (const { id } of boots) expect(await stagesOf(id)).toHaveLength(21)
  })
})
