import { describe, expect, test } from 'vitest'
import type { BootEvent } from '../../../src/model/boot.ts'
import { foldEvents } from '../../../src/model/timeline/fold.ts'
import { eventsOfMacs, type Tie } from '../../../src/model/timeline/ties.ts'
import { attemptsOf } from '../../../src/model/timeline/timeline.ts'

const at = (seconds: number) => new Date(Date.parse('2026-01-31T12:00:00Z') + seconds * 1000)
const events = (files: string): BootEvent[] =>
  [...files].map((file, n) => ({ stage: 'nbp', ip: '192.0.2.7', file, at: at(n) }))
const folded = (files: string) =>
  foldEvents(events(files))
    .map(({ file, times }) => `${file}${times}`)
    .join(' ')

describe('repeated events', () => {
  test.each([
    ['', ''],
    ['abc', 'a1 b1 c1'],
    ['aaaa', 'a4'],
    ['abababc', 'a3 b3 c1'],
    ['abab', 'a1 b1 a1 b1'],
    ['xabcabcabcy', 'x1 a3 b3 c3 y1'],
    ['aabaabaab', 'a3 a3 b3'],
    ['abcdefabcdef', 'a1 b1 c1 d1 e1 f1 a1 b1 c1 d1 e1 f1'],
  ])('%j are folded to %j', (given, expected) => {
    expect(folded(given)).toBe(expected)
  })

  test('keep the time of the first and of the last', () => {
    expect(foldEvents(events('ababab')).map(({ at, lastAt }) => [at, lastAt])).toEqual([
      [at(0), at(4)],
      [at(1), at(5)],
    ])
  })

  test('are folded in time that grows with their number, also a thousand', () => {
    expect(foldEvents(events('abcde'.repeat(400)))).toHaveLength(5)
  })
})

describe('events at an address', () => {
  const [mine, other] = ['52:54:00:00:00:01', '52:54:00:00:00:02']
  const tie = (mac: string, seconds: number, ip = '192.0.2.7'): Tie => ({ mac, ip, at: at(seconds) })
  const nbp = (seconds: number, ip = '192.0.2.7'): BootEvent => ({ stage: 'nbp', ip, at: at(seconds) })
  const secondsOf = (found: BootEvent[]) => found.map((event) => (event.at.getTime() - at(0).getTime()) / 1000)

  test('are of the MAC that last accepted the address', () => {
    const found = eventsOfMacs([nbp(1), nbp(50), nbp(101), nbp(150)], [mine], [tie(other, 100), tie(mine, 0)])
    expect(secondsOf(found)).toEqual([1, 50])
  })

  test('are of the MAC whose script came from there soon after', () => {
    expect(secondsOf(eventsOfMacs([nbp(0), nbp(590)], [mine], [tie(mine, 600)]))).toEqual([0, 590])
    expect(eventsOfMacs([nbp(0)], [mine], [tie(mine, 601)])).toEqual([])
  })

  test('are nobody’s long after the last tie, and at other addresses', () => {
    expect(eventsOfMacs([nbp(3601), nbp(1, '192.0.2.8')], [mine], [tie(mine, 0)])).toEqual([])
  })

  test('with a MAC are of that MAC, whatever the address was', () => {
    const own: BootEvent = { stage: 'dhcp', ip: '0.0.0.0', mac: mine, at: at(5) }
    expect(eventsOfMacs([own, { ...own, mac: other }], [mine], [])).toEqual([own])
  })
})

test('attempts without a boot are separated by pauses, and the newest comes first', () => {
  const attempts = attemptsOf(
    [],
    [...events('ab'), { stage: 'nbp', ip: '192.0.2.7', file: 'c', at: at(2000) }],
    at(2001),
  )
  expect(attempts.map(({ startedAt, endedAt, lines }) => [startedAt, endedAt, lines.length])).toEqual([
    [at(2000), at(2000), 1],
    [at(0), at(1), 2],
  ])
})
