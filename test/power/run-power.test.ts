import { sql } from 'drizzle-orm'
import { pino } from 'pino'
import { afterEach, expect, onTestFinished, test } from 'vitest'
import { armDeployment, cancelDeployment } from '../../src/inventory/boots/deployments.ts'
import { saveImage } from '../../src/inventory/images/images.ts'
import { saveMachine } from '../../src/inventory/machines/machines.ts'
import { claimPowerRequests } from '../../src/inventory/machines/power/queue.ts'
import { addPowerRequests, findPowerRequest, listPowerRequests } from '../../src/inventory/machines/power/requests.ts'
import { savePower } from '../../src/inventory/machines/power/settings.ts'
import { createSealer } from '../../src/lib/seal.ts'
import type { PowerOrder } from '../../src/model/power/power.ts'
import { startPower, usualPowerTimes } from '../../src/power/run-power.ts'
import { eachDatabase } from '../helpers/database.ts'
import { type BmcOptions, bmcUser, type StandInBmc, startBmc, swiftRedfish } from '../helpers/redfish.ts'

const sealer = createSealer(Buffer.alloc(32, 7))
const cycle: PowerOrder = { action: 'cycle', network: true, force: false }

eachDatabase('the queue of power', (database) => {
  const logged: string[] = []
  let stops: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const stop of stops) await stop()
    stops = []
    logged.length = 0
  })

  /** Starts a server that powers machines. */
  function start(atOnce = 2, times = {}) {
    const log = pino({ base: null }, { write: (line) => logged.push(line) })
    const deps = { db: database(), sealer, log, bmcSubnets: ['127.0.0.0/8'], times: { ...swiftRedfish, ...times } }
    const runner = startPower(deps, { ...usualPowerTimes, lookEveryMs: 20, atOnce })
    stops.push(runner.stop)
    return runner
  }

  async function machineWith(bmc: StandInBmc, n = 1, setting = {}) {
    const mac = `52:54:00:00:01:${n.toString(16).padStart(2, '0')}`
    const { machine } = await saveMachine(database(), { mac }, { hostname: `node${n}` }, {}, 'tester')
    const redfish = {
      ...{ kind: 'redfish' as const, url: bmc.url, username: bmcUser.username, verifyTls: bmc.fingerprint },
      ...{ checkIdentity: true, ...setting },
    }
    await savePower(database(), sealer, machine.id, { setting: redfish, password: bmcUser.password }, {}, 'admin')
    return machine.id
  }

  async function ask(machineIds: string[], order = cycle, deploymentId?: string) {
    const targets = machineIds.map((machineId) => ({ machineId, deploymentId }))
    const { added } = await database().transaction((tx) => addPowerRequests(tx, targets, order, 'ann'))
    return added.map(({ id }) => id)
  }

  const bmcOf = async (options: BmcOptions = {}) => {
    const bmc = await startBmc(options)
    onTestFinished(bmc.stop)
    return bmc
  }
  const endOf = async (id: string) => {
    await expect
      .poll(async () => (await findPowerRequest(database(), id))?.endedAt, { timeout: 10_000 })
      .toBeInstanceOf(Date)
    return findPowerRequest(database(), id)
  }
  const changes = async () => {
    const rows = await database().execute(
      sql`select actor, type, after->>'message' as message from changes where type like 'power.%' and type <> 'power.set' order by id`,
    )
    return (Array.isArray(rows) ? rows : (rows as unknown as { rows: unknown[] }).rows) as {
      type: string
      actor: string
    }[]
  }

  test('sets the network boot, then cycles, and records who asked and what happened', async () => {
    const bmc = await bmcOf({ power: 'On' })
    start()
    const [id = ''] = await ask([await machineWith(bmc)])
    expect(await endOf(id)).toMatchObject({
      ...{ state: 'done', power: 'on', askedBy: 'ann' },
      message: 'the next boot is from the network (Pxe); restarted (ForceRestart)',
    })
    expect(bmc.boot()).toMatchObject({ booted: 'Pxe' })
    expect(bmc.sessions.size).toBe(0)
    expect(await changes()).toMatchObject([
      { type: 'power.requested', actor: 'ann' },
      { type: 'power.done', actor: 'bootwright', message: expect.stringContaining('ForceRestart') },
    ])
  })

  test('restarts no machine whose boot device could not be set', async () => {
    const bmc = await bmcOf({ power: 'On', bootTargets: ['Hdd'] })
    start()
    const [id = ''] = await ask([await machineWith(bmc)])
    expect(await endOf(id)).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('offers no network boot'),
    })
    expect(bmc.requests.some((line) => line.includes('Reset {'))).toBe(false)
  })

  test('shows the password in no message and no log line, also if the BMC repeats it', async () => {
    const bmc = await bmcOf()
    start()
    const machineId = await machineWith(bmc)
    const wrong = {
      kind: 'redfish' as const,
      url: bmc.url,
      username: 'root',
      verifyTls: bmc.fingerprint,
      checkIdentity: true,
    }
    await savePower(database(), sealer, machineId, { setting: wrong, password: 'hunter2-wrong' }, {}, 'admin')
    const [id = ''] = await ask([machineId])
    expect((await endOf(id))?.message).toBe(
      'the BMC refused the user name or the password: HTTP 401: Wrong password ******',
    )
    expect(logged.join('')).toContain('"state":"failed"')
    expect(logged.join('')).not.toContain('hunter2')
    expect(JSON.stringify(await changes())).not.toContain('hunter2')
  })

  test('never powers more machines at once than it may, on two servers together', async () => {
    let now = 0
    let most = 0
    const instead = (method: string, path: string) => {
      if (method === 'POST' && path.endsWith('/Sessions')) most = Math.max(most, ++now)
      if (method === 'DELETE') now--
      return undefined
    }
    const bmc = await bmcOf({ delayMs: 60, instead })
    const ids: string[] = []
    for (let n = 1; n <= 7; n++) ids.push(await machineWith(bmc, n))
    const requests = await ask(ids, { action: 'on', network: false, force: false })
    start(2)
    start(2)
    for (const id of requests) expect((await endOf(id))?.state).toBe('done')
    expect(most).toBe(2)
  })

  test('leaves a machine alone whose deployment ended before its turn', async () => {
    const bmc = await bmcOf({ power: 'On' })
    const machineId = await machineWith(bmc)
    await saveImage(database(), 'disk', { variants: [{ arch: 'x86_64', kind: 'local' } as never] }, {}, 'tester')
    const order = { image: 'disk', assignment: {}, maxAttempts: 3, windowSeconds: 600 }
    const deployment = await armDeployment(database(), machineId, order, false, 'ann')
    const [id = ''] = await ask([machineId], cycle, deployment.id)
    await cancelDeployment(database(), deployment.id, 'ann')
    start()
    expect(await endOf(id)).toMatchObject({ state: 'cancelled', message: expect.stringContaining('left alone') })
    expect(bmc.requests.some((line) => /PATCH|Reset/.test(line))).toBe(false)
  })

  test('begins nothing that waited for an hour, and repeats nothing of a server that ended', async () => {
    const bmc = await bmcOf()
    const [late = '', lost = ''] = await ask([await machineWith(bmc, 1), await machineWith(bmc, 2)])
    await database().execute(
      sql`update power_requests set created_at = now() - interval '61 minutes' where id = ${late}`,
    )
    expect((await claimPowerRequests(database(), 4)).map(({ id }) => id)).toEqual([lost])
    await database().execute(
      sql`update power_requests set lease_until = now() - interval '1 second' where id = ${lost}`,
    )
    start()
    expect(await endOf(late)).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('not begun within 60 minutes'),
    })
    expect(await endOf(lost)).toMatchObject({
      state: 'failed',
      message: expect.stringContaining('the server ended during the action'),
    })
    expect(bmc.requests).toEqual([])
  })

  test('ends what runs when the server stops, and keeps what waits', async () => {
    const bmc = await bmcOf({ power: 'On', ignoresShutdown: true })
    const off: PowerOrder = { action: 'off', network: false, force: false }
    const requests = await ask([await machineWith(bmc, 1), await machineWith(bmc, 2)], off)
    const runner = start(1, { shutdownMs: 60_000 })
    await expect.poll(() => bmc.requests.some((line) => line.includes('GracefulShutdown'))).toBe(true)
    await runner.stop()
    const states = await Promise.all(requests.map((id) => findPowerRequest(database(), id)))
    expect(states.map((request) => request?.state)).toEqual(['failed', 'waiting'])
    expect(states[0]?.message).toContain('the server stopped during the action')
    expect(bmc.sessions.size).toBe(0)
  })

  test('powers nothing without a request', async () => {
    const bmc = await bmcOf({ power: 'Off' })
    await machineWith(bmc)
    start()
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(bmc.requests).toEqual([])
    expect(await listPowerRequests(database(), {}, 10)).toEqual([])
  })
})
