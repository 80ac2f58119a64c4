import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { rowsOf } from '../../../src/db/rows.ts'
import { findTokenBoot, whyNoAnswers } from '../../../src/inventory/boots/answer-access.ts'
import { findBoot } from '../../../src/inventory/boots/boots.ts'
import { armDeployment, findDeployment } from '../../../src/inventory/boots/deployments.ts'
import { listBootEvents } from '../../../src/inventory/boots/events.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { saveMachine } from '../../../src/inventory/machines/machines.ts'
import type { Report } from '../../../src/model/boot.ts'
import { decideFor, openBootFor, testSealer } from '../../helpers/boots.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { recordReport } from '../../helpers/reports.ts'

const machineIp = '192.0.2.10'
const strangerIp = '198.51.100.66'
type Step = 'script' | Report
const machineSteps: Step[] = ['script', 'ready', 'installing', 'installed']
const strangersSteps: Step[][] = [
  ['script', 'ready'],
  ['script', 'installing', 'progress'],
  ['script', 'ready', 'failed'],
  ['script', 'ready', 'script', 'ready'],
]
/** ORDERS=all tests every order of events, not only a sample. */
const oneInSoMany = process.env.ORDERS === 'all' ? 1 : 7
let machines = 0

/** Every way to interleave the steps of two actors; true is a step of the second actor. */
function* ordersOf(first: number, second: number): Generator<boolean[]> {
  if (first === 0 && second === 0) yield []
  if (first > 0) for (const order of ordersOf(first - 1, second)) yield [false, ...order]
  if (second > 0) for (const order of ordersOf(first, second - 1)) yield [true, ...order]
}

eachDatabase('a stranger who names the MAC of a machine from another address', (database) => {
  const arm = async (maxAttempts = 9) => {
    const db = database()
    machines += 1
    const mac = `52:54:00:66:${(machines >> 8).toString(16).padStart(2, '0')}:${(machines & 255).toString(16).padStart(2, '0')}`
    await saveImage(db, 'installer', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
    const { machine } = await saveMachine(db, { mac }, { assignment: { local: true } }, {}, 'tester')
    const order = { image: 'installer', assignment: {}, maxAttempts, windowSeconds: 3600 }
    const { id } = await armDeployment(db, machine.id, order, false, 'tester')
    return { id, facts: { mac, platform: 'efi', buildarch: 'x86_64' } as const }
  }

  for (const steps of strangersSteps) {
    test(`by ${steps.join(', ')}, at any time, does not reinstall an installed machine and does not block its answers`, async () => {
      const orders = [...ordersOf(machineSteps.length, steps.length)].filter((_, place) => place % oneInSoMany === 0)
      for (const order of orders) {
        const { id, facts } = await arm()
        const tokens: Record<string, string> = {}
        const places = { [machineIp]: 0, [strangerIp]: 0 }
        const told: string[] = []
        for (const isStranger of order) {
          const ip = isStranger ? strangerIp : machineIp
          const step = (isStranger ? steps : machineSteps)[places[ip]++] as Step
          told.push(`${isStranger ? 'stranger' : 'machine'} ${step}`)
          if (step === 'script') tokens[ip] = (await openBootFor(database(), facts, ip)).token
          else expect(await recordReport(database(), tokens[ip] ?? '', step, ip, undefined), told.join()).toBe(true)
          const own =
            tokens[machineIp] === undefined
              ? undefined
              : await findTokenBoot(database(), testSealer.bootOf(tokens[machineIp]) ?? '')
          if (own === undefined || own.outcome === 'installed') continue
          expect(whyNoAnswers(own, machineIp, false), told.join()).toBeUndefined()
          expect(whyNoAnswers(own, strangerIp, false), told.join()).toContain('another address')
        }
        const { state, attempts } = (await findDeployment(database(), id)) ?? {}
        expect(['installed', ...(steps.includes('failed') ? ['failed'] : [])], told.join()).toContain(state)
        expect(attempts, told.join()).toBeLessThanOrEqual(3)
        expect((await decideFor(database(), facts)).deployment, told.join()).toBeUndefined()
      }
    }, 60_000)
  }

  test('does not end an installation by using up its attempts while the last attempt runs', async () => {
    const { id, facts } = await arm(1)
    const { token } = await openBootFor(database(), facts, machineIp)
    await recordReport(database(), token, 'installing', machineIp, undefined)
    const { token: own } = await openBootFor(database(), facts, strangerIp)
    await recordReport(database(), own, 'ready', strangerIp, undefined)
    expect(await findDeployment(database(), id)).toMatchObject({ state: 'installing', attempts: 1 })
    await recordReport(database(), token, 'installed', machineIp, undefined)
    expect(await findDeployment(database(), id)).toMatchObject({ state: 'installed' })
  })

  test('leaves the record of the running boot unchanged: the boot can still stall', async () => {
    const { facts } = await arm()
    const { id } = await openBootFor(database(), facts, machineIp)
    await openBootFor(database(), facts, strangerIp)
    expect((await findBoot(database(), id))?.outcome).toBeNull()
    await openBootFor(database(), facts, machineIp)
    expect((await findBoot(database(), id))?.outcome).toBe('superseded')
  })

  test('is visible in the records of both boots and in the audit log', async () => {
    const { facts } = await arm()
    const own = await openBootFor(database(), facts, machineIp)
    await recordReport(database(), own.token, 'installing', machineIp, undefined)
    const other = await openBootFor(database(), facts, strangerIp)
    for (let times = 0; times < 3; times++) await recordReport(database(), other.token, 'ready', strangerIp, undefined)
    const noticesOf = async (id: string) =>
      (await listBootEvents(database(), id)).filter(({ stage }) => stage === 'notice').map(({ message }) => message)
    expect(await noticesOf(own.id)).toEqual([
      `boot ${other.id} of the same machine went past its script from another address, ${strangerIp}`,
    ])
    expect(await noticesOf(other.id)).toEqual([
      `boot ${own.id} of the same machine continues at another address, ${machineIp}`,
    ])
    const found = await database().execute(sql`select subject from changes where type = 'boot.other-address'`)
    expect(rowsOf<{ subject: string }>(found).map(({ subject }) => subject)).toEqual([other.id])
  })
})

eachDatabase('an honest machine', (database) => {
  const mac = '52:54:00:67:00:01'
  const facts = { mac, platform: 'efi', buildarch: 'x86_64' } as const
  const arm = async () => {
    const db = database()
    await saveImage(db, 'installer', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
    const { machine } = await saveMachine(db, { mac }, { assignment: { local: true } }, {}, 'tester')
    const order = { image: 'installer', assignment: {}, maxAttempts: 3, windowSeconds: 3600 }
    return armDeployment(db, machine.id, order, false, 'tester')
  }

  test('can report although its installer has another address than iPXE had', async () => {
    const { id } = await arm()
    const { token } = await openBootFor(database(), facts, machineIp)
    for (const seen of ['ready', 'installing', 'installed'] as const)
      await recordReport(database(), token, seen, seen === 'ready' ? machineIp : '192.0.2.99', undefined)
    expect(await findDeployment(database(), id)).toMatchObject({ state: 'installed', attempts: 1 })
  })

  test.each(['installed', 'failed'] as const)(
    'that restarts with a new address ends its deployment with %s',
    async (end) => {
      const { id } = await arm()
      const first = await openBootFor(database(), facts, machineIp)
      await recordReport(database(), first.token, 'installing', machineIp, undefined)
      const second = await openBootFor(database(), facts, '192.0.2.99')
      await recordReport(database(), second.token, 'ready', '192.0.2.99', undefined)
      await recordReport(database(), second.token, end, '192.0.2.99', undefined)
      expect(await findDeployment(database(), id)).toMatchObject({ state: end, attempts: 2 })
    },
  )

  test('that restarts at the same address does not change its deployment with reports of its former boot', async () => {
    const { id } = await arm()
    const first = await openBootFor(database(), facts, machineIp)
    await recordReport(database(), first.token, 'installing', machineIp, undefined)
    const second = await openBootFor(database(), facts, machineIp)
    await recordReport(database(), second.token, 'ready', machineIp, undefined)
    for (let times = 0; times < 2; times++)
      await recordReport(database(), first.token, 'installed', machineIp, undefined)
    expect(await findDeployment(database(), id)).toMatchObject({ state: 'started', attempts: 2 })
    const changes = rowsOf<{ report: string }>(
      await database().execute(
        sql`select after ->> 'report' as report from changes where type = 'deployment.report-ignored' and subject = ${id}`,
      ),
    )
    expect(changes[0]).toEqual({ report: 'installed' })
    const notices = (await listBootEvents(database(), first.id)).filter(({ stage }) => stage === 'notice')
    expect(notices.map(({ message }) => message)).toEqual([
      'the report installed did not change the deployment: the machine has since booted again from the same address',
    ])
  })
})
