import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Operator, startOperator } from '../../helpers/operator.ts'

let operator: Operator
beforeAll(async () => {
  operator = await startOperator()
})
afterAll(() => operator.stop())

test('proxy-dhcp switches proxyDHCP on and off, and shows where it answers', async () => {
  const out = async (...argv: string[]) => (await operator.run('proxy-dhcp', ...argv)).out
  const off = 'proxyDHCP is off; to switch it on: bootwright proxy-dhcp on INTERFACE\n'
  expect(await out()).toBe(off)
  expect(await out('on', 'eth0', 'eth1')).toBe('proxyDHCP is on: eth0, eth1\n')
  expect(await out()).toBe('proxyDHCP is on: eth0, eth1\n')
  expect(await out('off')).toBe(off)
})

test('settings lists each setting with its value, source and default', async () => {
  const { out } = await operator.run('settings')
  expect(out).toMatch(/^BOOTWRIGHT_BOOT_LISTEN +0\.0\.0\.0:8080 +default +0\.0\.0\.0:8080$/m)
  expect((await operator.run('settings', '--changed')).out).toBe('NAME  VALUE  SOURCE  DEFAULT\n')
})
