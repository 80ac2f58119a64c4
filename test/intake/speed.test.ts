import { expect, test } from 'vitest'
import { createSpeed } from '../../src/intake/speed.ts'

test('the speed is that of the last ten seconds, and begins anew with each step', () => {
  const speedOf = createSpeed()
  const download = (seconds: number, bytes: number, total: number | null = 9000) =>
    speedOf({ doing: 'downloading a.iso', bytes, total, atMs: seconds * 1000 })
  expect(download(0, 5000)).toBeNull()
  expect(download(1, 5100)).toBe(100)
  expect(download(5, 5500)).toBe(100)
  expect(download(15, 5500)).toBe(0)
  expect(download(16, 100)).toBeNull()
  expect(download(17, 300)).toBe(200)
  const unpack = (path: string, seconds: number, bytes: number) =>
    speedOf({ doing: `unpacking ${path}`, bytes, total: 900, atMs: seconds * 1000 })
  expect(unpack('a', 18, 0)).toBeNull()
  expect(unpack('b', 20, 100)).toBe(50)
})
