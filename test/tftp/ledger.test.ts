import { closeSync, fstatSync, openSync } from 'node:fs'
import { expect, test } from 'vitest'
import { closeLeftFiles, createLedgerMemory, openLedger } from '../../src/tftp/sockets/ledger.ts'

test('files that a thread left open are closed once, and no others', () => {
  const slots = createLedgerMemory(3)
  const ledger = openLedger(slots)
  const [closed, left] = [openSync('/dev/null', 'r'), openSync('/dev/null', 'r')]
  ledger.add(closed)
  ledger.add(left)
  ledger.remove(closed)
  closeLeftFiles(slots)
  expect(fstatSync(closed).isCharacterDevice()).toBe(true)
  expect(() => fstatSync(left)).toThrow('EBADF')
  closeSync(closed)
  closeLeftFiles(slots)
})

test('more files than slots do no harm', () => {
  const slots = createLedgerMemory(1)
  const ledger = openLedger(slots)
  for (const file of [1001, 1002, 1003]) ledger.add(file)
  for (const file of [1003, 1002, 1001]) ledger.remove(file)
  expect([...slots]).toEqual([0])
  ledger.add(1004)
  expect([...slots]).toEqual([1004])
})
