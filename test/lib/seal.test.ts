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
