import { describe, expect, test } from 'vitest'
import { parseRange } from '../../../src/bytes/send/byte-range.ts'

describe('parseRange', () => {
  test.each([
    ['bytes=0-0', { first: 0, last: 0 }],
    ['bytes=10-19', { first: 10, last: 19 }],
    ['bytes=90-', { first: 90, last: 99 }],
    ['bytes=90-1000', { first: 90, last: 99 }],
    ['bytes=-10', { first: 90, last: 99 }],
    ['bytes=-1000', { first: 0, last: 99 }],
    ['BYTES=5-6', { first: 5, last: 6 }],
    ['bytes= 5-6 ', { first: 5, last: 6 }],
    ['bytes=, 50-59 ,,', { first: 50, last: 59 }],
    ['bytes=0-1,5-6', undefined],
    ['bytes=, 50-59 ,,-1', undefined],
    ['bytes=0-1,200-', undefined],
    ['bytes=200-,-0', undefined],
    ['bytes=100-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=20-10', undefined],
    ['bytes=0-1,20-10', undefined],
    ['bytes=0-99,0-99', undefined],
    [`bytes=${'0-0,'.repeat(65)}`, undefined],
    ['bytes=-', undefined],
    ['bytes=', undefined],
    ['bytes=1 - 2', undefined],
    ['lines=0-1', undefined],
    ['bytes=a-b', undefined],
    ['bytes=0x0-1', undefined],
    ['bytes=99999999999999999999-', undefined],
    [undefined, undefined],
  ])('%s of 100 bytes', (header, expected) => expect(parseRange(header, 100)).toEqual(expected))

  test.each([
    'bytes=u-u',
    'bytes=',
    'bytes=%zd-%zd',
    'Bytes = 0-x',
    'bytes=7-3',
    'bytes=0-1,x',
    'bytes=-',
    'bytes=1.5-2',
  ])('%s of a large file is not answered by all of it', (header) => {
    expect(parseRange(header, 6_000_000_000)).toBe('unsatisfiable')
    expect(parseRange(header, 1_000_000)).toBeUndefined()
  })

  test.each(['items=0-5', 'u-u', 'bytes'])('%s is not a range of bytes, whatever the size', (header) =>
    expect(parseRange(header, 6_000_000_000)).toBeUndefined(),
  )

  test('takes an end beyond all numbers for the end of the file', () =>
    expect(parseRange(`bytes=5-${'9'.repeat(40)}`, 100)).toEqual({ first: 5, last: 99 }))

  test('has no range to give of an empty file', () => expect(parseRange('bytes=0-', 0)).toBe('unsatisfiable'))
})
