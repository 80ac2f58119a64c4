import { describe, expect, test } from 'vitest'
import { negotiate } from '../../src/tftp/options.ts'

const limits = { sizeBytes: 1_000_000, maxBlockSize: 1468, maxWindowSize: 16 }
const accept = (asked: Record<string, string>) => negotiate(new Map(Object.entries(asked)), limits)
const acceptedOf = (asked: Record<string, string>) => Object.fromEntries(accept(asked).accepted)

test('a transfer without options follows RFC 1350', () =>
  expect(accept({})).toEqual({ blockSize: 512, windowSize: 1, timeoutMs: undefined, accepted: [], asksSize: false }))

test('exactly four options are supported, and all of them together', () =>
  expect(accept({ tsize: '0', blksize: '1024', windowsize: '4', timeout: '3', multicast: '', utimeout: '9' })).toEqual({
    blockSize: 1024,
    windowSize: 4,
    timeoutMs: 3000,
    accepted: [
      ['blksize', '1024'],
      ['timeout', '3'],
      ['tsize', '1000000'],
      ['windowsize', '4'],
    ],
    asksSize: true,
  }))

describe('an option in its range is accepted, up to the limit of the server', () => {
  test.each([
    [{ blksize: '8' }, { blksize: '8' }],
    [{ blksize: '1468' }, { blksize: '1468' }],
    [{ blksize: '65464' }, { blksize: '1468' }],
    [{ windowsize: '1' }, { windowsize: '1' }],
    [{ windowsize: '16' }, { windowsize: '16' }],
    [{ windowsize: '65535' }, { windowsize: '16' }],
    [{ timeout: '1' }, { timeout: '1' }],
    [{ timeout: '255' }, { timeout: '255' }],
    [{ tsize: '0' }, { tsize: '1000000' }],
    [{ tsize: '12345' }, { tsize: '1000000' }],
    [{ blksize: '0512' }, { blksize: '512' }],
  ])('%j gives %j', (asked, expected) => expect(acceptedOf(asked as Record<string, string>)).toEqual(expected))
})

describe('an option that is not a decimal number in its range is ignored', () => {
  const wrong = ['', ' ', '-1', '+8', '1e3', '15e-1', '0x200', '512 ', ' 512', '512.0', 'NaN', '9'.repeat(17), '٥']
  test.each([
    ...['blksize', 'windowsize', 'timeout', 'tsize'].flatMap((name) => wrong.map((value) => [name, value])),
    ['blksize', '7'],
    ['blksize', '65465'],
    ['windowsize', '0'],
    ['windowsize', '65536'],
    ['timeout', '0'],
    ['timeout', '256'],
  ])('%s=%j', (name = '', value = '') => expect(accept({ [name]: value })).toEqual(accept({})))
})
