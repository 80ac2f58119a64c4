import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createPace } from '../../../src/inventory/journal/writing/pace.ts'

/** Whether a pause has ended after a turn of the event loop. */
async function isOver(pause: Promise<void>): Promise<boolean> {
  return Promise.race([pause.then(() => true), nextTurn(false)])
}

test('a few batches in a row are written without a pause, more are gathered', async () => {
  const pace = createPace()
  for (let n = 0; n < 20; n++) expect(await isOver(pace.pause(5, false))).toBe(true)
  expect(await isOver(pace.pause(5, false))).toBe(false)
})

test('a pause ends when somebody waits for the database, or else the next pause is skipped', async () => {
  const pace = createPace()
  for (let n = 0; n < 20; n++) await pace.pause(5, false)
  const long = pace.pause(100_000, true)
  pace.hurry()
  expect(await isOver(long)).toBe(true)
  pace.hurry()
  expect(await isOver(pace.pause(100_000, true))).toBe(true)
  expect(await isOver(pace.pause(5, true))).toBe(false)
})
