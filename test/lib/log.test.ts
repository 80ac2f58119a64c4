import { describe, expect, test } from 'vitest'
import { makeToken } from '../../src/inventory/access/tokens.ts'
import { createLog, redactTokens } from '../../src/lib/log.ts'

describe('a log line', () => {
  const token = makeToken()
  const lines: string[] = []
  const log = createLog('debug', { write: (line: string) => void lines.push(line) })

  test.each<[string, object, string]>([
    ['path', { path: `/b/${token}/installed` }, 'x'],
    ['message', {}, `GET /b/${token}/answer/preseed.cfg failed`],
    ['error', { error: `http://10.0.0.1:8080/b/${token}/failed?message=x: 503` }, 'x'],
    ['thrown error', { error: new Error(`no answer from /b/${token}/ready`) }, 'x'],
    ['nested field', { request: { headers: [{ referer: `http://h/b/${token}` }] } }, 'x'],
    ['field', { token }, 'x'],
    ['secret', { request: { secret: token } }, 'x'],
    ['field of another field', { request: { token: 'short' } }, 'x'],
    ['header', { authorization: `Bearer bw_${token}` }, 'x'],
  ])('has no token in its %s', (_, fields, message) => {
    log.warn(fields, message)
    expect(lines.at(-1)).not.toContain(token)
    expect(lines.at(-1)).toContain('…')
  })

  test('keeps hashes, ids, MACs and numbers unchanged', () => {
    const fields = {
      sha256: 'ab'.repeat(32),
      boot: '0190d3f2-7c1a-7b5e-9f00-3a5d2c1b4e6f',
      mac: '52:54:00:12:34:56',
      bytes: 7,
    }
    log.info(fields, 'a file')
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ ...fields, msg: 'a file' })
  })

  test('contains no other word in the position of a token either', () => {
    expect(redactTokens('GET /b/%41bcdefghij/installed and /b/x')).toBe('GET /b/…/installed and /b/x')
  })
})
