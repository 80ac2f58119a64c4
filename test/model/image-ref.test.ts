import { describe, expect, test } from 'vitest'
import { formatImageRef, parseImageRef } from '../../src/model/image.ts'

describe('a reference to an image', () => {
  test.each(['debian-12', 'debian-12@3', 'a@2147483647'])('%s is parsed, and formatted as it was', (text) => {
    const ref = parseImageRef(text)
    expect(ref && formatImageRef(ref)).toBe(text)
  })

  test('has its version as a number, or no version', () => {
    expect(parseImageRef('debian-12@3')).toEqual({ image: 'debian-12', version: 3 })
    expect(parseImageRef('debian-12')).toEqual({ image: 'debian-12' })
  })

  test.each([
    '',
    '@3',
    'debian@',
    'debian@0',
    'debian@03',
    'debian@-1',
    'debian@1.5',
    'debian@1@2',
    'debian@2147483648',
    'Debian@1',
    'debian@v1',
  ])('%j is refused', (text) => expect(parseImageRef(text)).toBeUndefined())
})
