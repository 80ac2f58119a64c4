import { describe, expect, test } from 'vitest'
import { formatMacHyphen, parseMac } from '../../../src/lib/ids/mac.ts'

describe('parseMac', () => {
  test.each([
    '52:54:00:ab:cd:ef',
    '52-54-00-AB-CD-EF',
    '5254.00ab.cdef',
    '525400ABCDEF',
    '525400-ABCDEF',
    '5254-00ab-cdef',
    '01-52-54-00-ab-cd-ef',
    '01:52:54:00:ab:cd:ef',
    ' 52:54:00:ab:cd:ef ',
  ])('reads %s', (text) => expect(parseMac(text)).toBe('52:54:00:ab:cd:ef'))
  test.each([
    '',
    '52:54:00:ab:cd',
    '52:54-00:ab:cd:ef',
    '52:54:00:ab:cd:eg',
    '01525400abcdef',
    '00:00:00:00:00:00',
    'ff:ff:ff:ff:ff:ff',
    '01:00:5e:00:00:01',
    '52:54:00:ab:cd:ef:00',
    "52:54:00:ab:cd:ef'",
  ])('refuses %j', (text) => expect(parseMac(text)).toBeUndefined())
})

test('writes a MAC for URLs with hyphens', () => expect(formatMacHyphen('52:54:00:ab:cd:ef')).toBe('52-54-00-ab-cd-ef'))
