import { expect, test } from 'vitest'
import { findHealth, type Health, type HealthSources } from '../../../src/inventory/system/health.ts'
import { readVersion } from '../../../src/lib/program-dir.ts'

const fails = async (): Promise<never> => {
  throw new Error('x')
}
const cases: [string, Partial<HealthSources>, number, Omit<Health, 'version'>][] = [
  ['everything works', {}, 200, { status: 'ok', database: 'ok' }],
  [
    'the database has few connections',
    { databaseIsShort: () => true },
    200,
    { status: 'degraded', database: 'few connections' },
  ],
  [
    'the database is read-only',
    { databaseFault: async () => 'the disk is full' },
    503,
    { status: 'degraded', database: 'read-only', reason: 'the disk is full' },
  ],
  [
    'the database is unreachable',
    { databaseAnswers: async () => false },
    503,
    { status: 'degraded', database: 'away' },
  ],
  ['the checks fail', { databaseAnswers: fails, databaseFault: fails }, 503, { status: 'degraded', database: 'away' }],
]

test.each(cases)('the health status is correct when %s', async (_, change, code, health) => {
  const well: HealthSources = {
    databaseAnswers: async () => true,
    databaseIsShort: () => false,
    databaseFault: async () => undefined,
  }
  expect(await findHealth({ ...well, ...change })).toEqual({ code, health: { ...health, version: readVersion() } })
})
