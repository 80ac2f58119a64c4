import { expect, test } from 'vitest'
import { formatTime, printable } from '../../../src/cli/shell/format.ts'
import { startProgress } from '../../../src/cli/shell/progress.ts'
import { formatFields, formatTable } from '../../../src/cli/shell/table.ts'
import { formatBytes } from '../../../src/lib/text/format.ts'

test('columns are as wide as their widest cell, and a line feed in a cell becomes a space', () => {
  expect(
    formatTable(
      ['A', 'LONG', 'C'],
      [
        ['one', 'x', 'a\nb'],
        ['1', undefined, ''],
      ],
    ),
  ).toBe('A    LONG  C\none  x     a b\n1')
})

test('fields without a value are left out', () => {
  expect(formatFields({ id: '1', hostname: undefined, serial: '' })).toBe('id  1')
})

test('control sequences and reversals of direction do not reach the terminal', () => {
  expect(printable('a\x1b[31mb\x9bc\r\u202ed\te\n')).toBe('a\ufffd[31mb\ufffdc\ufffd\ufffdd\te\n')
})

test.each([
  [0, '0 B'],
  [999, '999 B'],
  [1000, '1.0 kB'],
  [26_400_000, '26.4 MB'],
  [5e15, '5000.0 TB'],
])('%i bytes are formatted as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text))

test('times are shown to the second', () => {
  expect(formatTime('2026-01-31T12:00:05.123Z')).toBe('2026-01-31 12:00:05Z')
  expect(formatTime(undefined)).toBe('')
})

test.each([
  [true, '\r\x1b[Kkernel: uploading  45%  4.5 kB of 10.0 kB\r\x1b[Kkernel: done\n'],
  [false, 'kernel: done\n'],
])(
  'progress (terminal: %s) redraws one line on a terminal, and elsewhere prints only the final line',
  (interactive, expected) => {
    let err = ''
    const note = (text: string) => {
      err += text
    }
    const progress = startProgress({ serve: async () => {}, env: {}, out: note, err: note, interactive }, 'kernel')
    progress.update('uploading', 4500, 10_000)
    progress.end('done')
    expect(err).toBe(expected)
    err = ''
    progress.clear()
    expect(err).toBe(interactive ? '\r\x1b[K' : '')
  },
)
