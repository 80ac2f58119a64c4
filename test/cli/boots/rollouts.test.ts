import { afterAll, beforeAll, expect, test } from 'vitest'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { takeStep } from '../../../src/jobs/rollouts.ts'
import { bootArmed, enterFleet, macOfFleet } from '../../helpers/fleet.ts'
import { type Operator, startOperator } from '../../helpers/operator.ts'

let operator: Operator
const run = async (...argv: string[]) => {
  const { exitCode, out, err } = await operator.run('rollout', ...argv)
  return { exitCode, text: `${out}${err}` }
}
const db = () => operator.boot.deps.db
const advance = async (id: string) => {
  while (await takeStep({ ...operator.boot.deps, db: db(), bootUrl: operator.boot.url }, id));
}

beforeAll(async () => {
  operator = await startOperator()
  for (const args of [['a'], ['b']])
    await saveImage(db(), 'tool', { variants: [{ kind: 'local', arch: 'x86_64', args }] as never }, {}, 'tester')
  await enterFleet(db(), 20)
})
afterAll(() => operator.stop())

test('rollout start previews and starts, show watches, and a person approves, pauses, retries and rolls back', async () => {
  const start = ['start', '--assign', 'tool@1', '--where', 'hostname^=n', '--share', '25%,50%', '--until', 'approval']
  const preview = (await run(...start, '--dry-run')).text
  expect(preview).toContain(
    'would concern 20 machines, with version 1\nwave 1 (25%): 5 machines\nwave 2 (50%): 5 machines',
  )
  expect((await run('list')).text.trim().split('\n')).toHaveLength(1)
  const started = (await run(...start, '--max-failed', '1', '--patience', '90m', '--param', 'a=1')).text
  const id = /rollout (\S+): assign tool@1 on 20 machines/.exec(started)?.[1] ?? ''
  await advance(id)
  const shown = (await run('show', id)).text
  expect(shown).toContain('state     running')
  expect(shown).toMatch(/> 1 +25% +approval +5 +5 armed/)
  expect(shown).toContain('Wave 1 of 3 waits for an approval: 0 of 5 machines succeeded')
  expect(shown).toContain(`next: bootwright rollout approve ${id}`)
  expect((await run('show', id, '--machines', '--state', 'armed')).text.trim().split('\n')).toHaveLength(6)

  expect((await run('pause', id)).text).toContain('is paused, wave 1 of 3; 5 machines taken back')
  expect((await run('resume', id)).text).toContain('is running')
  await advance(id)
  await bootArmed(db(), id, (place) => (place === 0 ? 'fails' : 'good'), 'booted')
  await advance(id)
  expect((await run('retry', id, '--dry-run')).text).toContain('1 machine would be waiting again')
  expect((await run('approve', id, '--wave', '2')).text).toContain('is at wave 1 of 3, not at wave 2')
  expect((await run('approve', id)).text).toContain('wave 2 of 3')
  expect((await run('retry', id)).text).toContain('1 machine waiting again')
  expect((await run('cancel', id, '--dry-run')).text).toContain('0 machines would be taken back')
  const watching = run('show', id, '--watch')
  expect((await run('rollback', id)).text).toContain('is rolled-back, wave 2 of 3; 4 machines rolled back')
  expect((await watching).text).toMatch(/state +rolled-back/)
})

test('rollout start names one wrong option, and takes machines one by one', async () => {
  const fault = async (...argv: string[]) => {
    const { exitCode, text } = await run('start', ...argv)
    expect(exitCode).not.toBe(0)
    return text
  }
  const one = ['--deploy', 'tool', macOfFleet(1)]
  expect(await fault(macOfFleet(1))).toContain('expected one of: --deploy, --assign')
  expect(await fault('--deploy', 'tool')).toContain('expected one of: machines, --where')
  expect(await fault('--deploy', 'tool@x', macOfFleet(1))).toContain('Expected NAME or NAME@VERSION')
  expect(await fault(...one, '--between', '22:00')).toContain('Expected two different times of day')
  expect(await fault(...one, '--between', '22:00-04:00', '--zone', 'Mars/Base')).toContain('Europe/Berlin')
  expect(await fault(...one, '--zone', 'UTC')).toContain('expected --between with --zone')
  expect(await fault(...one, '--share', '0%')).toContain('Expected a percentage from 1 to 100')
  expect(await fault(...one, '--max-failed', 'few')).toContain('Expected a percentage, or a number of machines')
  expect(await fault(...one, '--patience', '2')).toContain('Expected a duration')
  const { text } = await run('start', ...one, 'n2', '--between', '22:00-04:00', '--zone', 'Asia/Tokyo')
  const id = /rollout (\S+): deploy tool@2 on 2 machines/.exec(text)?.[1] ?? ''
  expect((await run('show', id)).text).toContain('22:00-04:00 Asia/Tokyo')
  expect((await run('cancel', id)).text).toContain('is cancelled')
})

test('rollout start says when its machines begin, and that they are powered', async () => {
  const hour = (offset: number) => `${String((new Date().getUTCHours() + offset) % 24).padStart(2, '0')}:00`
  const between = ['--between', `${hour(2)}-${hour(3)}`, '--zone', 'UTC']
  const { text } = await run('start', macOfFleet(0), '--deploy', 'tool', ...between, '--power-cycle')
  expect(text).toMatch(/machines begin only between \d\d:00-\d\d:00 UTC; opens 20\d\d-/)
  expect(text).toContain('power: armed machines are restarted into a network boot')
  const id = /rollout (\S+):/.exec(text)?.[1] ?? ''
  await advance(id)
  const shown = (await run('show', id)).text
  expect(shown).toMatch(/waiting +The maintenance window is closed \(opens 20\d\d-/)
  expect(shown).toMatch(/power +armed machines are restarted/)
  await run('cancel', id)
  expect((await run('start', macOfFleet(0), '--deploy', 'tool', '--power-on', '--power-cycle')).text).toContain(
    'cannot be used',
  )
})
