import { describe, expect, test } from 'vitest'
import { isTimeZone, isWindowOpen, nextClosing, nextOpening, parseTimes } from '../../../src/model/rollout/window.ts'

const at = (text: string) => new Date(text)
const berlin = (from: string, to: string) => ({ from, to, zone: 'Europe/Berlin' })

describe('a maintenance window', () => {
  test('is open by the wall clock of its zone, and may pass midnight', () => {
    const night = berlin('22:00', '04:00')
    const open = (text: string) => isWindowOpen(night, at(text))
    // Berlin is one hour ahead of UTC in winter, and two hours in summer.
    expect(open('2026-01-15T20:59:59Z')).toBe(false)
    expect(open('2026-01-15T21:00:00Z')).toBe(true)
    expect(open('2026-01-15T23:30:00Z')).toBe(true)
    expect(open('2026-01-16T02:59:59Z')).toBe(true)
    expect(open('2026-01-16T03:00:00Z')).toBe(false)
    expect(open('2026-07-15T19:59:00Z')).toBe(false)
    expect(open('2026-07-15T20:00:00Z')).toBe(true)
    expect(open('2026-07-16T02:00:00Z')).toBe(false)
  })

  test('says when it opens and closes next', () => {
    const night = berlin('22:00', '04:00')
    expect(nextOpening(night, at('2026-01-15T12:00:30Z'))).toEqual(at('2026-01-15T21:00:00Z'))
    expect(nextOpening(night, at('2026-01-15T22:00:00Z'))).toEqual(at('2026-01-15T22:00:00Z'))
    expect(nextClosing(night, at('2026-01-15T22:00:00Z'))).toEqual(at('2026-01-16T03:00:00Z'))
    const tokyo = { from: '01:30', to: '02:00', zone: 'Asia/Tokyo' }
    expect(nextOpening(tokyo, at('2026-01-15T17:00:00Z'))).toEqual(at('2026-01-16T16:30:00Z'))
    const kathmandu = { from: '00:00', to: '00:15', zone: 'Asia/Kathmandu' }
    expect(nextOpening(kathmandu, at('2026-01-15T12:00:00Z'))).toEqual(at('2026-01-15T18:15:00Z'))
  })

  test('keeps its wall-clock times on the days on which clocks change', () => {
    // 2026-03-29: 02:00 becomes 03:00. 2026-10-25: 03:00 becomes 02:00.
    const night = berlin('22:00', '04:00')
    expect(nextClosing(night, at('2026-03-28T22:00:00Z'))).toEqual(at('2026-03-29T02:00:00Z'))
    expect(nextClosing(night, at('2026-10-24T21:00:00Z'))).toEqual(at('2026-10-25T03:00:00Z'))
    expect(nextOpening(night, at('2026-03-29T10:00:00Z'))).toEqual(at('2026-03-29T20:00:00Z'))
    // The repeated hour is inside twice.
    const two = berlin('02:00', '03:00')
    expect(nextOpening(two, at('2026-10-24T12:00:00Z'))).toEqual(at('2026-10-25T00:00:00Z'))
    expect(nextClosing(two, at('2026-10-25T00:00:00Z'))).toEqual(at('2026-10-25T02:00:00Z'))
    // The hour that is left out does not come: the window opens a day later.
    expect(nextOpening(two, at('2026-03-28T12:00:00Z'))).toEqual(at('2026-03-30T00:00:00Z'))
    expect(isWindowOpen(berlin('02:30', '05:00'), at('2026-03-29T01:00:00Z'))).toBe(true)
  })

  test('is the same whichever zone the server has', () => {
    const before = process.env.TZ
    try {
      for (const zone of ['America/Los_Angeles', 'Pacific/Kiritimati', 'UTC']) {
        process.env.TZ = zone
        expect(nextOpening(berlin('22:00', '04:00'), at('2026-07-15T12:00:00Z'))).toEqual(at('2026-07-15T20:00:00Z'))
      }
    } finally {
      if (before === undefined) delete process.env.TZ
      else process.env.TZ = before
    }
  })

  test('agrees with a search of every quarter of an hour around changes of clocks', () => {
    const slow = (window: ReturnType<typeof berlin>, from: Date) => {
      for (let time = from.getTime(); ; time += 900_000) if (isWindowOpen(window, new Date(time))) return new Date(time)
    }
    for (const zone of ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'America/St_Johns'])
      for (const day of ['2026-03-07', '2026-03-28', '2026-04-04', '2026-10-03', '2026-10-24', '2026-10-31'])
        for (const [from, to] of [
          ['22:00', '04:00'],
          ['01:45', '02:15'],
          ['02:00', '02:30'],
        ] as const)
          for (const hour of ['00', '09', '17']) {
            const start = at(`${day}T${hour}:00:00Z`)
            expect(nextOpening({ from, to, zone }, start)).toEqual(slow({ from, to, zone }, start))
          }
  })

  test('needs two different times, and a zone by its name', () => {
    expect(parseTimes('22:00-04:00')).toEqual({ from: '22:00', to: '04:00' })
    for (const wrong of ['22:00', '22:00-22:00', '24:00-04:00', '9:00-10:00', '22:00-04:60', ''])
      expect(parseTimes(wrong)).toBeUndefined()
    for (const zone of ['Europe/Berlin', 'UTC', 'America/Argentina/Buenos_Aires']) expect(isTimeZone(zone)).toBe(true)
    for (const zone of ['Berlin', '+02:00', '', 'Europe/Berlin; drop', 'x'.repeat(99)])
      expect(isTimeZone(zone)).toBe(false)
  })
})
