import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Operator, startOperator } from '../../helpers/operator.ts'
import { bmcUser, type StandInBmc, startBmc } from '../../helpers/redfish.ts'

let operator: Operator
let bmc: StandInBmc
let slow: StandInBmc
const power = (...argv: string[]) => operator.run('machine', 'power', ...argv)

beforeAll(async () => {
  operator = await startOperator()
  bmc = await startBmc({ power: 'Off' })
  slow = await startBmc({ power: 'On', ignoresShutdown: true })
  await operator.run('image', 'add', 'disk', '--local')
  for (const n of [1, 2, 3])
    await operator.run('machine', 'set', `52:54:00:00:02:0${n}`, '--hostname', `node${n}`, '--label', 'rack=p1')
  const set = (name: string, { url, fingerprint }: StandInBmc) =>
    operator.runWith(
      `${bmcUser.password}\n`,
      ...['machine', 'power', 'set', name, '--redfish', url, '--username', bmcUser.username],
      ...['--tls-fingerprint', fingerprint],
    )
  expect((await set('node1', bmc)).exitCode).toBe(0)
  expect((await set('node2', slow)).exitCode).toBe(0)
})
afterAll(async () => {
  await operator.stop()
  await bmc.stop()
  await slow.stop()
})

test('machine power shows the setting without its password, and what was done last', async () => {
  expect((await power('state', 'node1')).out).toBe('node1: state done, off: the machine is off\n')
  const { out } = await power('show', 'node1')
  expect(out).toContain(bmc.url)
  expect(out).toContain('on, off, cycle, state')
  expect(out).toMatch(/last .*state done, off/)
  expect(out).not.toContain(bmcUser.password)
})

test('machine power switches a machine on and off, and fails with the reason', async () => {
  expect((await power('on', 'node1', '--network')).out).toBe(
    'node1: on done, on: the next boot is from the network (Pxe); switched on (On)\n',
  )
  expect((await power('off', 'node1')).out).toContain('node1: off done, off: switched off (GracefulShutdown)')
  expect((await power('off', 'node2')).out).toContain('off failed: the machine is not off')
  expect((await power('off', 'node2', '--force')).out).toContain('off done, off: switched off (ForceOff)')
  expect(await power('on', 'node3')).toMatchObject({ exitCode: 1, err: expect.stringContaining('no power setting') })
})

test('machine power of many shows first how many it would be', async () => {
  const requestsBefore = bmc.requests.length
  const argv = ['on', '--where', 'label.rack=p1']
  const preview = await power(...argv)
  expect(preview.out).toContain('2 machines would be powered, 1 skipped\nnode1\nnode2\nskipped node3:')
  expect(preview.out).toContain('to apply: repeat the command with --expect 2')
  expect(bmc.requests).toHaveLength(requestsBefore)
  expect((await power(...argv, '--expect', '3')).err).toContain('2 machines would be powered now, not 3')
  expect((await power(...argv, '--expect', '2')).out).toContain('node1: on done, on')
  expect([bmc.power(), slow.power()]).toEqual(['On', 'On'])
  expect((await power('list', '--machine', 'node1', '--limit', '1')).out).toContain('switched on (On)')
})

test('deployment arm --power-cycle arms, then boots the machine from the network', async () => {
  const armed = await operator.run('deployment', 'arm', 'node1', '--image', 'disk', '--force', '--power-cycle')
  expect(armed.out).toMatch(/disk armed, 0 of 3 attempts; power cycle (waiting|running)/)
  const id = armed.out.split(':')[0] as string
  await expect
    .poll(async () => (await operator.run('deployment', 'show', id)).out, { timeout: 10_000 })
    .toContain(
      'armed, 0 of 3 attempts; power cycle done: the next boot is from the network (Pxe); restarted (ForceRestart)',
    )
  expect(bmc.boot()).toMatchObject({ booted: 'Pxe' })
})

test('deployment arm --power-cycle arms no machine without power, and stays armed if the power fails', async () => {
  const without = await operator.run('deployment', 'arm', 'node3', '--image', 'disk', '--force', '--power-cycle')
  expect(without.err).toContain('machine node3 is not armed: the machine has no power setting')
  expect((await operator.run('deployment', 'list', '--machine', 'node3')).out).not.toContain('disk')
  const url = 'https://127.0.0.1:9'
  await operator.runWith('x', 'machine', 'power', 'set', 'node2', '--redfish', url, '--username', 'root')
  const argv = ['deployment', 'arm', '--where', 'label.rack=p1', '--image', 'disk', '--force', '--power-cycle']
  const many = await operator.run(...argv)
  expect(many.out).toContain('1 machines armed, 2 skipped')
  expect(many.out).toContain('skipped node3: the machine has no power setting')
  const shown = async () => (await operator.run('deployment', 'list', '--machine', 'node2', '--json')).out
  await expect.poll(shown, { timeout: 10_000 }).toContain('"state": "failed"')
  const [deployment] = JSON.parse(await shown()).items
  expect(deployment).toMatchObject({
    state: 'armed',
    power: { state: 'failed', message: expect.stringContaining('ECONNREFUSED') },
  })
  expect((await operator.run('findings')).out).toContain('BW-POWER-FAILED')
})

test('machine power refuses options that do not fit, and removes a setting', async () => {
  expect((await power('set', 'node3')).err).toContain('expected --wake-on-lan or --redfish URL')
  expect((await power('set', 'node3', '--redfish', 'https://192.0.2.1')).err).toContain('expected --username')
  expect((await power('on')).err).toContain('expected a machine or --where')
  expect((await power('set', 'node3', '--wake-on-lan')).out).toContain('wake-on-lan')
  expect((await power('cycle', 'node3')).err).toContain('wake-on-lan can only do: on')
  expect((await power('unset', 'node3')).exitCode).toBe(0)
  expect((await power('show', 'node3')).err).toContain('has no power setting')
})
