import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openBootFor } from '../../helpers/boots.ts'
import { type Operator, startOperator } from '../../helpers/operator.ts'
import { recordReport } from '../../helpers/reports.ts'

describe('on the command line', () => {
  let operator: Operator
  beforeAll(async () => {
    operator = await startOperator()
  })
  afterAll(() => operator.stop())
  const boot = (mac: string) =>
    openBootFor(operator.boot.deps.db, { mac, platform: 'efi', buildarch: 'x86_64' }, '192.0.2.1')

  test('now shows the machines that boot, and the outcomes of today', async () => {
    const empty = await operator.run('now')
    expect([empty.exitCode, empty.out]).toEqual([0, expect.stringContaining('No machine boots at this moment.')])
    expect(empty.out).toMatch(/^today since [\d: -]+Z: 0 booting, 0 booted, 0 installed, 0 failed, 0 stalled$/m)
    await boot('52:54:00:00:00:01')
    await expect
      .poll(async () => (await operator.run('now')).out, { timeout: 10_000 })
      .toMatch(/^MACHINE +IMAGE +STAGE +PROGRESS +AT THIS STAGE\n52:54:00:00:00:01 +script +\d+ s$/m)
    expect(JSON.parse((await operator.run('--json', 'now')).out).booting.items).toHaveLength(1)
  })

  test('now --watch shows changes until Ctrl-C', async () => {
    const watched = operator.run('now', '--watch')
    const { token } = await boot('52:54:00:00:00:02')
    await new Promise((resolve) => setTimeout(resolve, 2500))
    await recordReport(operator.boot.deps.db, token, 'booted', '192.0.2.1', undefined)
    await new Promise((resolve) => setTimeout(resolve, 6500))
    process.emit('SIGINT')
    const { out, exitCode } = await watched
    expect(exitCode).toBe(0)
    expect(out.indexOf('52:54:00:00:00:02')).toBeGreaterThan(0)
    expect(out.lastIndexOf('1 booted')).toBeGreaterThan(out.lastIndexOf('52:54:00:00:00:02'))
  })
})
