import { describe, expect, test } from 'vitest'
import { createPasswords } from '../../src/auth/passwords.ts'
import { InputError } from '../../src/lib/errors.ts'
import { BusyError } from '../../src/lib/gate.ts'
import { goodPassword, quickPasswords } from '../helpers/people.ts'

describe('passwords', () => {
  test('are hashed with Argon2id, 19 MiB, two passes and a salt of their own', async () => {
    const passwords = createPasswords()
    const [one, two] = [await passwords.hash(goodPassword, 'anna'), await passwords.hash(goodPassword, 'anna')]
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$/)
    expect(one).not.toBe(two)
    expect(await passwords.verify(one, goodPassword)).toEqual({ ok: true })
    expect(await passwords.verify(one, `${goodPassword}x`)).toEqual({ ok: false })
  })

  test('of another cost get a new hash when they are verified', async () => {
    const passwords = createPasswords({ memoryCost: 16, timeCost: 2, parallelism: 1 })
    const { ok, rehash } = await passwords.verify(await quickPasswords.hash(goodPassword, 'anna'), goodPassword)
    expect([ok, rehash]).toEqual([true, expect.stringContaining('m=16,t=2,p=1')])
    expect(await passwords.verify(rehash, goodPassword)).toEqual({ ok: true })
  })

  test('are the same however a keyboard writes their letters', async () => {
    const stored = await quickPasswords.hash('caf\u00e9 au lait 7', 'anna')
    expect((await quickPasswords.verify(stored, 'cafe\u0301 au lait 7')).ok).toBe(true)
  })

  test('take as long to verify without a person', async () => {
    const passwords = createPasswords()
    const stored = await passwords.hash(goodPassword, 'anna')
    const median = async (against: string | undefined) => {
      const times: number[] = []
      for (let count = 0; count < 9; count++) {
        const from = performance.now()
        expect((await passwords.verify(against, 'wrong password')).ok).toBe(false)
        times.push(performance.now() - from)
      }
      return times.sort((a, b) => a - b)[4] as number
    }
    const [missing, existing] = [await median(undefined), await median(stored)]
    expect(missing / existing).toBeGreaterThan(0.3)
    expect(missing / existing).toBeLessThan(3)
  })

  test('are verified a few at once, and a flood is refused', async () => {
    const passwords = createPasswords()
    const stored = await passwords.hash(goodPassword, 'anna')
    const flood = await Promise.allSettled(Array.from({ length: 60 }, () => passwords.verify(stored, 'x')))
    const refused = flood.filter((result) => result.status === 'rejected')
    expect(refused).toHaveLength(60 - 34)
    expect(refused.every(({ reason }) => reason instanceof BusyError)).toBe(true)
    expect((await passwords.verify(stored, goodPassword)).ok).toBe(true)
  })

  test.each([
    ['short', 'at least 12 characters'],
    ['x'.repeat(257), 'at most 256 characters'],
    ['aaaaaaaaaaaaaaaa', 'at least 5 different characters'],
    ['abcabcabcabcabc', 'at least 5 different characters'],
    ['123456789012', 'no sequence'],
    ['abcdefghijklmnop', 'no sequence'],
    ['Password123!', 'common words'],
    ['bootwright-admin', 'common words'],
    ['qwertyuiop12', 'common words'],
    ['annabelle2026', 'name of the person'],
    ['ANNABELLE-1.2', 'name of the person'],
    ['with\u0000control sign', 'control characters'],
  ])('%s is refused: %s', async (password, expected) => {
    const fault = await quickPasswords.hash(password, 'annabelle').catch((error: unknown) => error)
    expect(fault).toBeInstanceOf(InputError)
    expect((fault as InputError).message).toContain(expected)
    expect(JSON.stringify((fault as InputError).faults)).not.toContain(password)
  })

  test.each([goodPassword, '839201746512', 'annabelle likes tea', 'пароль из слов', '🔥🌧️🐟 fire rain fish'])(
    '%s is accepted',
    async (password) => {
      expect(await quickPasswords.hash(password, 'annabelle')).toContain('$argon2id$')
    },
  )
})
