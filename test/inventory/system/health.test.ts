import { describe, expect, test } from 'vitest'
import { findHealth, type Health, type HealthSources } from '../../../src/inventory/system/health.ts'
import { findReadiness, type Readiness } from '../../../src/inventory/system/readiness.ts'
import { readVersion } from '../../../src/lib/program-dir.ts'

const version = readVersion()
const fails = async (): Promise<never> => {
  throw new Error('x')
}
const well: HealthSources = {
  databaseAnswers: async () => true,
  databaseIsShort: () => false,
  databaseFault: async () => undefined,
}
const since = new Date('2026-11-27T10:00:00Z')
const away = { databaseAnswers: async () => false, databaseAway: () => ({ since, reason: 'connection refused' }) }
const journal = (state: Partial<ReturnType<NonNullable<HealthSources['journal']>>>) => ({
  journal: () => ({ waitingBytes: 0, isAway: false, isRefusing: false, fault: undefined, ...state }),
})

describe('the health', () => {
  const cases: [string, Partial<HealthSources>, Omit<Health, 'version'>][] = [
    ['everything works', {}, { status: 'ok', database: 'ok' }],
    [
      'the database has few connections',
      { databaseIsShort: () => true },
      { status: 'degraded', database: 'few connections' },
    ],
    [
      'the database is read-only',
      { databaseFault: async () => 'the disk is full' },
      { status: 'degraded', database: 'read-only', reason: 'the disk is full' },
    ],
    ['the database is unreachable', away, { status: 'degraded', database: 'away' }],
    ['the checks fail', { databaseAnswers: fails, databaseFault: fails }, { status: 'degraded', database: 'away' }],
  ]
  test.each(cases)('is correct when %s', async (_, change, health) => {
    expect(await findHealth({ ...well, ...change })).toEqual({ ...health, version })
  })
})

describe('the readiness', () => {
  const unreachable = { reason: 'database-unreachable', detail: 'connection refused', since } as const
  const cases: [string, Partial<HealthSources>, number, Omit<Readiness, 'version'>][] = [
    ['everything works', journal({}), 200, { status: 'ready', degraded: [] }],
    ['the database is unreachable and nothing is known', away, 503, { status: 'unready', degraded: [unreachable] }],
    [
      'the database is unreachable and the last state decides',
      { ...away, decidesAlone: () => true },
      200,
      { status: 'degraded', degraded: [unreachable] },
    ],
    [
      'the checks fail',
      { databaseAnswers: fails, databaseFault: fails, diskFault: fails, corruptedFiles: fails },
      503,
      { status: 'unready', degraded: [{ reason: 'database-unreachable', detail: 'no answer within 2 s' }] },
    ],
    [
      'the database is read-only',
      { databaseFault: async () => 'it is a standby' },
      200,
      { status: 'degraded', degraded: [{ reason: 'database-read-only', detail: 'it is a standby' }] },
    ],
    [
      'the database has few connections',
      { databaseIsShort: () => true },
      200,
      {
        status: 'degraded',
        degraded: [
          { reason: 'few-connections', detail: 'the database server has too few connections for this server' },
        ],
      },
    ],
    [
      'records wait for the database',
      journal({ isAway: true, waitingBytes: 4096 }),
      200,
      {
        status: 'degraded',
        degraded: [{ reason: 'journal-waiting', detail: '4096 bytes of records wait for the database' }],
      },
    ],
    [
      'the journal is full, the disk too, and files are corrupted',
      {
        ...journal({ isRefusing: true, fault: 'no space left' }),
        diskFault: async () => 'the disk is full',
        corruptedFiles: async () => 2,
      },
      200,
      {
        status: 'degraded',
        degraded: [
          { reason: 'journal-refusing', detail: 'no space left' },
          { reason: 'disk-full', detail: 'the disk is full' },
          { reason: 'corrupted-files', detail: '2 files are not served' },
        ],
      },
    ],
  ]
  test.each(cases)('is correct when %s', async (_, change, code, readiness) => {
    expect(await findReadiness({ ...well, ...change })).toEqual({ code, readiness: { ...readiness, version } })
  })
})
