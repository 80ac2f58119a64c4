import { expect, test } from 'vitest'
import { findHealth, type Health, type HealthSources } from '../../../src/inventory/system/health.ts'
import { readVersion } from '../../../src/lib/program-dir.ts'

const fails = async (): Promise<never> => {
  throw new Error('x')
}
const cases: [string, Partial<HealthSources>, number, Omit<Health, 'version'>][] = [
  ['all is well', {}, 200, { status: 'ok', database: 'ok' }],
  ['connections are few', { databaseIsShort: () => true }, 200, { status: 'degraded', database: 'few connections' }],
  [
    'nothing can be changed',
    { databaseFault: async () => 'the disk is full' },
    503,
    { status: 'degraded', database: 'read-only', reason: 'the disk is full' },
  ],
  ['the database is away', { databaseAnswers: async () => false }, 503, { status: 'degraded', database: 'away' }],
  ['asking fails', { databaseAnswers: fails, databaseFault: fails }, 503, { status: 'degraded', database: 'away' }],
]

test.each(cases)('health when %s', async (_, change, code, health) => {
  const well: HealthSources = {
    databaseAnswers: async () => true,
    databaseIsShort: () => false,
    databaseFault: async () => undefined,
  }
  expect(await findHealth({ ...well, ...change })).toEqual({ code, health: { ...health, version: readVersion() } })
})
