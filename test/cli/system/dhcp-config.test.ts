import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Operator, startOperator } from '../../helpers/operator.ts'

let operator: Operator
beforeAll(async () => {
  operator = await startOperator()
})
afterAll(() => operator.stop())

test('dhcp-config prints the configuration of the server', async () => {
  const { exitCode, out } = await operator.run('dhcp-config', 'isc', '--server', '10.1.2.3')
  expect(exitCode).toBe(0)
  expect(out).toContain('next-server 10.1.2.3;\n')
  expect(out).toMatch(/^# Bootwright: network boot\. Printed by: bootwright dhcp-config isc\n/)
})

test.each([['dhcp-config', 'dhcpcd'], ['dhcp-config', 'isc', '--server', 'host'], ['dhcp-config']])(
  '%s %s %s %s exits with a usage error',
  async (...argv) => {
    const { exitCode, err } = await operator.run(...argv.filter((item) => item !== undefined))
    expect([exitCode, err]).toEqual([2, expect.stringMatching(/^error:/)])
  },
)
