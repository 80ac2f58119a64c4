import { createHmac, hkdfSync } from 'node:crypto'
import { v4, v7 } from 'uuid'
import { describe, expect, test } from 'vitest'
import { createSealer, parseKey } from '../../src/lib/seal.ts'

const sealer = createSealer(Buffer.alloc(32, 7))

describe('a sealed text', () => {
  test('can be opened only with its own key and for its own owner', () => {
    const sealed = sealer.seal('Zürich \u0000 x', 'secret a')
    expect(sealer.open(sealed, 'secret a')).toBe('Zürich \u0000 x')
    expect(() => sealer.open(sealed, 'secret b')).toThrow()
    const other = createSealer(Buffer.alloc(32, 8))
    expect(() => other.open(sealed, 'secret a')).toThrow(
      `expected a secret sealed with key ${other.keyId}, got key ${sealer.keyId}`,
    )
  })

  test('differs each time, and reveals only the length of the text', () => {
    const [a, b] = [sealer.seal('same', 'x'), sealer.seal('same', 'x')]
    expect(a).not.toBe(b)
    expect(Buffer.from(a.split('.')[1] as string, 'base64url').toString('latin1')).not.toContain('same')
  })

  test('cannot be opened after any of its bytes was changed', () => {
    const [id, text = ''] = sealer.seal('text', 'x').split('.')
    const bytes = Buffer.from(text, 'base64url')
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] as number) ^ 1
      expect(() => sealer.open(`${id}.${changed.toString('base64url')}`, 'x')).toThrow()
    }
    for (const broken of ['', `${id}`, `${id}.`, `${id}.AAAA`]) expect(() => sealer.open(broken, 'x')).toThrow()
  })
})

describe('the token of a boot', () => {
  const hour = 3_600_000
  const now = Date.parse('2026-11-27T12:00:00Z')
  const bootAt = (ms: number) => v7({ msecs: ms })
  const id = bootAt(now)
  const token = sealer.tokenOf(id)
  const earlierTokenOf = (bootId: string) => {
    const key = createHmac('sha256', Buffer.alloc(32, 7)).update('boot tokens').digest()
    const bytes = Buffer.from(bootId.replaceAll('-', ''), 'hex')
    return Buffer.concat([bytes, createHmac('sha256', key).update(bytes).digest().subarray(0, 16)]).toString(
      'base64url',
    )
  }

  test('is 43 characters, and names its boot without the database', () => {
    expect(token).toMatch(/^[\w-]{43}$/)
    expect(sealer.bootOf(token, now)).toBe(id)
    expect(sealer.tokensOf(id)).toEqual([token, earlierTokenOf(id)])
  })

  test('is made with a key that HKDF derives, and not with the key of secrets', () => {
    const key = Buffer.from(hkdfSync('sha256', Buffer.alloc(32, 7), '', 'bootwright boot tokens', 32))
    const bytes = Buffer.from(token, 'base64url')
    const proof = (of: Buffer) => createHmac('sha256', of).update(bytes.subarray(0, 16)).digest().subarray(0, 16)
    expect(bytes.subarray(16)).toEqual(proof(key))
    expect(bytes.subarray(16)).not.toEqual(proof(Buffer.alloc(32, 7)))
  })

  test('in the form of earlier servers is valid until it expires', () => {
    expect(sealer.bootOf(earlierTokenOf(id), now)).toBe(id)
    expect(sealer.bootOf(earlierTokenOf(id), now + 48 * hour + 1)).toBeUndefined()
  })

  test('expires after 48 hours, and may be 48 hours ahead of a clock that was set back', () => {
    expect(sealer.bootOf(token, now + 48 * hour)).toBe(id)
    expect(sealer.bootOf(token, now + 48 * hour + 1)).toBeUndefined()
    expect(sealer.bootOf(token, now - 48 * hour)).toBe(id)
    expect(sealer.bootOf(token, now - 48 * hour - 1)).toBeUndefined()
    expect(sealer.bootOf(sealer.tokenOf(newest()))).toBeDefined()
  })
  const newest = () => bootAt(Date.now())

  test('is refused with another key, and with the proof of another boot', () => {
    expect(createSealer(Buffer.alloc(32, 8)).bootOf(token, now)).toBeUndefined()
    const other = Buffer.from(sealer.tokenOf(bootAt(now)), 'base64url')
    const mixed = Buffer.concat([Buffer.from(token, 'base64url').subarray(0, 16), other.subarray(16)])
    expect(sealer.bootOf(mixed.toString('base64url'), now)).toBeUndefined()
  })

  test('is refused with any bit flipped', () => {
    for (let bit = 0; bit < 256; bit++) {
      const bytes = Buffer.from(token, 'base64url')
      bytes[bit >> 3] = (bytes[bit >> 3] as number) ^ (1 << (bit & 7))
      expect(sealer.bootOf(bytes.toString('base64url'), now), `bit ${bit}`).toBeUndefined()
    }
  })

  test('is refused with any other spelling, truncated or extended', () => {
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const spelled = [...alphabet].filter((last) => sealer.bootOf(`${token.slice(0, 42)}${last}`, now) !== undefined)
    expect(spelled).toEqual([token[42]])
    for (let length = 0; length < 43; length++) expect(sealer.bootOf(token.slice(0, length), now)).toBeUndefined()
    for (const text of [`${token}=`, `${token}\n`, ` ${token}`, `${token}A`, 'preview', ''])
      expect(sealer.bootOf(text, now)).toBeUndefined()
    const standard = Buffer.from(token, 'base64url').toString('base64')
    expect(sealer.bootOf(standard, now)).toBeUndefined()
  })

  test('is refused if it is forged, or if its id is not a UUID of version 7', () => {
    expect(
      sealer.bootOf(
        Buffer.concat([Buffer.from(token, 'base64url').subarray(0, 16), Buffer.alloc(16)]).toString('base64url'),
        now,
      ),
    ).toBeUndefined()
    expect(sealer.bootOf('A'.repeat(43), now)).toBeUndefined()
    expect(sealer.bootOf(sealer.tokenOf(v4()), now)).toBeUndefined()
    const variant = `${id.slice(0, 19)}c${id.slice(20)}`
    expect(sealer.bootOf(sealer.tokenOf(variant), now)).toBeUndefined()
  })
})

describe('a key', () => {
  test.each([
    ['00'.repeat(32), 32],
    [`${'Ab'.repeat(32)}\n`, 32],
    [Buffer.alloc(32, 255).toString('base64'), 32],
    ['00'.repeat(31), undefined],
    ['x'.repeat(64), undefined],
    ['', undefined],
  ])('%j has %s bytes', (text, bytes) => expect(parseKey(text)?.length).toBe(bytes))
})
