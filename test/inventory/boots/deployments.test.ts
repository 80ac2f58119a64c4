import { sql } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import { rowsOf } from '../../../src/db/rows.ts'
import { findBoot } from '../../../src/inventory/boots/boots.ts'
import { failLateDeployments } from '../../../src/inventory/boots/deployment-moves.ts'
import {
  armDeployment,
  armMachines,
  cancelDeployment,
  findDeployment,
  listDeployments,
} from '../../../src/inventory/boots/deployments.ts'
import { saveFile } from '../../../src/inventory/images/files.ts'
import { saveImage } from '../../../src/inventory/images/images.ts'
import { findAllMachines } from '../../../src/inventory/machines/list.ts'
import { saveMachine } from '../../../src/inventory/machines/machines.ts'
import { ConflictError, InputError } from '../../../src/lib/errors.ts'
import type { Decision } from '../../../src/model/decision.ts'
import {
  type DeploymentBoot,
  type DeploymentState,
  type Move,
  moveDeployment,
  type Seen,
} from '../../../src/model/deployment.ts'
import type { FileRef } from '../../../src/model/image.ts'
import { decideFor, openBootFor } from '../../helpers/boots.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { recordReport } from '../../helpers/reports.ts'

const fresh: DeploymentBoot = { progressed: false, newest: true }
const going: DeploymentBoot = { progressed: true, newest: true }
const limited = (state: DeploymentState, attempts: number) => ({
  ...{ state, attempts, maxAttempts: 3, windowSeconds: 3600, late: false },
})

describe('a deployment moves', () => {
  test.each<[DeploymentState, number, DeploymentBoot, Seen, Move | undefined]>([
    ['armed', 0, fresh, 'ready', { state: 'started', attempts: 1 }],
    ['armed', 0, fresh, 'answer-file', { state: 'started', attempts: 1 }],
    ['armed', 0, fresh, 'installing', { state: 'installing', attempts: 1 }],
    ['armed', 0, fresh, 'installed', { state: 'installed', attempts: 1, reason: 'm' }],
    ['armed', 0, fresh, 'booted', { state: 'started', attempts: 1 }],
    ['armed', 0, fresh, 'failed', undefined],
    ['started', 1, going, 'ready', undefined],
    ['started', 1, going, 'answer-file', undefined],
    ['started', 1, going, 'booted', undefined],
    ['started', 1, going, 'installing', { state: 'installing', attempts: 1 }],
    ['started', 1, going, 'installed', { state: 'installed', attempts: 1, reason: 'm' }],
    ['started', 1, going, 'failed', { state: 'failed', attempts: 1, reason: 'm' }],
    ['installing', 1, going, 'installing', undefined],
    ['installing', 1, going, 'answer-file', undefined],
    ['installing', 1, going, 'booted', undefined],
    ['installing', 1, going, 'installed', { state: 'installed', attempts: 1, reason: 'm' }],
    ['installing', 1, going, 'failed', { state: 'failed', attempts: 1, reason: 'm' }],
    // The machine was restarted in the middle: the count continues.
    ['installing', 1, fresh, 'ready', { state: 'started', attempts: 2 }],
    ['installing', 2, fresh, 'answer-file', { state: 'started', attempts: 3 }],
    ['started', 2, fresh, 'ready', { state: 'started', attempts: 3 }],
    ['installing', 1, fresh, 'failed', undefined],
    // Two scripts were fetched before the first was used.
    ['started', 3, fresh, 'ready', undefined],
  ])('from %s after %i attempts, by a boot that is %j and %s, to %j', (state, attempts, boot, seen, expected) => {
    expect(moveDeployment(limited(state, attempts), { by: 'its boot', boot, seen, message: 'm' })).toEqual(expected)
  })

  const everything: Seen[] = ['ready', 'answer-file', 'installing', 'installed', 'booted', 'failed']
  test.each(['installed', 'failed', 'cancelled'] as const)('nowhere once it is %s, whatever is reported', (state) => {
    for (const seen of everything)
      for (const boot of [fresh, going])
        expect(moveDeployment(limited(state, 1), { by: 'its boot', boot, seen })).toBeUndefined()
  })

  test('nowhere by a boot that a newer boot overtook', () => {
    for (const state of ['armed', 'started', 'installing'] as const)
      for (const seen of everything)
        for (const progressed of [true, false])
          expect(
            moveDeployment(limited(state, 1), { by: 'its boot', boot: { progressed, newest: false }, seen }),
          ).toBeUndefined()
  })

  const late = { late: true }
  const neverBegun = 'armed more than 30 days ago, but no boot began it'
  const overdue = 'timeout: the machine did not report an end within 3600 s of the first attempt'
  const used = '3 of 3 attempts were used, but the machine never reported an end'
  test.each<['time' | 'another boot', DeploymentState, number, { late?: boolean }, string | undefined]>([
    ['time', 'armed', 0, {}, undefined],
    ['time', 'armed', 0, late, neverBegun],
    ['time', 'started', 1, {}, undefined],
    ['time', 'installing', 1, late, overdue],
    // The last attempt may still succeed.
    ['time', 'installing', 3, {}, undefined],
    ['time', 'installing', 3, late, used],
    ['another boot', 'armed', 0, {}, undefined],
    ['another boot', 'started', 2, {}, undefined],
    ['another boot', 'started', 3, {}, used],
    ['another boot', 'installing', 2, late, overdue],
    ['another boot', 'installed', 3, late, undefined],
    ['time', 'cancelled', 0, late, undefined],
  ])('by %s from %s after %i attempts with %j to failed because %s', (by, state, attempts, limits, reason) => {
    const move = moveDeployment({ ...limited(state, attempts), ...limits }, { by })
    expect(move).toEqual(reason === undefined ? undefined : { state: 'failed', attempts, reason })
  })
})

eachDatabase('deployments', (database) => {
  const mac = '52:54:00:12:34:56'
  const ip = '192.0.2.7'
  const facts = { mac, platform: 'efi', buildarch: 'x86_64' } as const
  const order = { image: 'installer', assignment: {}, maxAttempts: 3, windowSeconds: 3600 }

  const prepare = async () => {
    const db = database()
    await saveImage(db, 'installer', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
    return (await saveMachine(db, { mac }, { assignment: { local: true } }, {}, 'tester')).machine
  }
  const arm = async (machineId: string) => armDeployment(database(), machineId, order, false, 'token x')
  const boot = () => openBootFor(database(), facts, ip)
  const report = (token: string, seen: Seen, message?: string) => recordReport(database(), token, seen, ip, message)
  const now = async (id: string) => {
    const { state, attempts, reason } = (await findDeployment(database(), id)) ?? {}
    return { state, attempts, reason }
  }
  const served = async () => (await decideFor(database(), facts)).deployment?.attempt

  test('fetching a script never moves a deployment, however often', async () => {
    const { id } = await arm((await prepare()).id)
    for (let count = 0; count < 10; count++) await boot()
    expect(await now(id)).toEqual({ state: 'armed', attempts: 0, reason: null })
    expect(await served()).toBe(1)
  })

  test("a deployment ends with the report that the machine is installed, and the next boot uses the machine's own assignment", async () => {
    const { id } = await arm((await prepare()).id)
    const { id: bootId, token } = await boot()
    for (const [seen, state] of [
      ['ready', 'started'],
      ['answer-file', 'started'],
      ['installing', 'installing'],
      ['installed', 'installed'],
    ] as const) {
      await report(token, seen, 'debian 12')
      expect(await now(id)).toMatchObject({ state, attempts: 1 })
    }
    expect((await now(id)).reason).toBe('debian 12')
    expect(await findBoot(database(), bootId)).toMatchObject({ deploymentId: id, outcome: 'installed' })
    const next = await decideFor(database(), facts)
    expect([next.spec.kind, next.deployment, next.notices]).toEqual(['local', undefined, []])
  })

  test('an install loop ends at the limit: the machine gets its own assignment, and that boot fails the deployment', async () => {
    const { id } = await arm((await prepare()).id)
    for (const attempt of [1, 2, 3]) {
      expect(await served()).toBe(attempt)
      const { token } = await boot()
      await report(token, 'ready')
      expect(await now(id)).toEqual({ state: 'started', attempts: attempt, reason: null })
    }
    const gaveUp = await decideFor(database(), facts)
    expect([gaveUp.spec.kind, gaveUp.deployment]).toEqual(['local', undefined])
    expect(gaveUp.notices).toEqual([
      'the installation of installer failed: 3 of 3 attempts were used, but the machine never reported an end',
    ])
    const { token } = await boot()
    expect((await now(id)).state).toBe('started')
    await report(token, 'ready')
    expect(await now(id)).toEqual({
      state: 'failed',
      attempts: 3,
      reason: '3 of 3 attempts were used, but the machine never reported an end',
    })
    expect((await decideFor(database(), facts)).notices).toEqual(gaveUp.notices)
  })

  test('Windows Setup continues from the local disk after its restart, and its report ends the boot', async () => {
    const db = database()
    const machine = await prepare()
    const files = ['c', 'd'].map((byte) => ({ sha256: byte.repeat(64), name: byte }))
    for (const file of files) await saveFile(db, { ...file, sizeBytes: 1 })
    const [wimboot, wim] = files as [FileRef, FileRef]
    await saveImage(
      db,
      'installer',
      {
        variants: [{ kind: 'wimboot', arch: 'x86_64', wimboot, files: [wim], args: [] }],
      },
      {},
      'tester',
    )
    const { id } = await arm(machine.id)
    const setup = await boot()
    // Windows PE began, whether it has a curl.exe to report with or not.
    await report(setup.token, 'ready')
    for (let restarts = 0; restarts < 4; restarts++) {
      const { spec, deployment, notices } = await decideFor(db, facts)
      expect([spec.kind, deployment]).toEqual(['local', undefined])
      expect(notices[0]).toMatch(/^the installation of installer continues from the local disk/)
      await report((await boot()).token, 'ready')
    }
    expect(await now(id)).toMatchObject({ state: 'started', attempts: 1 })
    await report(setup.token, 'installed')
    expect(await now(id)).toMatchObject({ state: 'installed', attempts: 1 })
    expect((await decideFor(db, facts)).notices).toEqual([])
  })

  test('a deployment is cancelled when a boot from a menu reports that the same image is installed', async () => {
    const db = database()
    const machine = await prepare()
    await saveImage(db, 'other', { variants: [{ kind: 'local', arch: 'x86_64' }] }, {}, 'tester')
    const { id } = await arm(machine.id)
    const choose = async (image: string) => {
      const change = ({ deployment: _, ...decision }: Decision) => ({ ...decision, image: { name: image, version: 1 } })
      const { token } = await openBootFor(db, facts, ip, { change })
      for (const seen of ['ready', 'installed'] as const) await report(token, seen)
    }
    await choose('other')
    expect(await now(id)).toMatchObject({ state: 'armed' })
    await choose('installer')
    expect(await now(id)).toMatchObject({
      state: 'cancelled',
      reason: expect.stringMatching(/installer is installed$/),
    })
    expect(await served()).toBeUndefined()
  })

  test('a deployment without a boot for 30 days is no longer served, and fails', async () => {
    const { id } = await arm((await prepare()).id)
    const age = (days: number) =>
      database().execute(sql`update deployments set created_at = now() - ${days} * interval '1 day'`)
    await age(29)
    await failLateDeployments(database())
    expect(await served()).toBe(1)
    await age(31)
    expect([await served(), (await decideFor(database(), facts)).notices[0]]).toEqual([
      undefined,
      'the installation of installer failed: armed more than 30 days ago, but no boot began it',
    ])
    await failLateDeployments(database())
    expect(await now(id)).toMatchObject({ state: 'failed', reason: expect.stringContaining('30 days') })
  })

  test('a report of the last attempt still counts after another script was fetched', async () => {
    const { id } = await arm((await prepare()).id)
    let token = ''
    for (let attempt = 1; attempt <= 3; attempt++) {
      token = (await boot()).token
      await report(token, 'ready')
    }
    await boot()
    await report(token, 'installed')
    expect((await now(id)).state).toBe('installed')
  })

  test('a restart during an installation counts as an attempt, and the former boot changes nothing', async () => {
    const { id } = await arm((await prepare()).id)
    const first = await boot()
    await report(first.token, 'ready')
    await report(first.token, 'installing')
    const second = await boot()
    await report(second.token, 'ready')
    expect(await now(id)).toMatchObject({ state: 'started', attempts: 2 })
    for (const seen of ['installed', 'failed', 'installing'] as const) await report(first.token, seen)
    expect(await now(id)).toMatchObject({ state: 'started', attempts: 2 })
    await report(second.token, 'installed')
    expect(await now(id)).toMatchObject({ state: 'installed', attempts: 2 })
  })

  test('a failure report of the installer ends the deployment with the reason; repeated and late reports change nothing', async () => {
    const { id } = await arm((await prepare()).id)
    const { token } = await boot()
    await report(token, 'ready')
    await report(token, 'failed', 'no disk')
    for (const seen of ['installed', 'ready', 'installing', 'failed', 'booted'] as const)
      await report(token, seen, 'late')
    expect(await now(id)).toEqual({ state: 'failed', attempts: 1, reason: 'no disk' })
    expect((await decideFor(database(), facts)).notices).toEqual(['the installation of installer failed: no disk'])
  })

  test('a failed download of iPXE does not count as an attempt', async () => {
    const { id } = await arm((await prepare()).id)
    for (let count = 0; count < 5; count++) await report((await boot()).token, 'failed', 'iPXE: kernel failed')
    expect(await now(id)).toMatchObject({ state: 'armed', attempts: 0 })
    expect(await served()).toBe(1)
  })

  test("a former deployment's token does not move the new one", async () => {
    const machine = await prepare()
    const first = await arm(machine.id)
    const old = await boot()
    await report(old.token, 'ready')
    await report(old.token, 'installed')
    const second = await arm(machine.id)
    for (const seen of ['ready', 'installed', 'failed'] as const) await report(old.token, seen)
    expect([(await now(first.id)).state, await now(second.id)]).toEqual([
      'installed',
      { state: 'armed', attempts: 0, reason: null },
    ])
  })

  test('a machine has one active deployment, which another one can replace', async () => {
    const machine = await prepare()
    const first = await arm(machine.id)
    await expect(arm(machine.id)).rejects.toThrow(ConflictError)
    const second = await armDeployment(database(), machine.id, order, true, 'token y')
    expect(await now(first.id)).toMatchObject({
      state: 'cancelled',
      reason: 'a new deployment replaced this deployment',
    })
    expect((await listDeployments(database(), { state: 'active' }, 10)).map((one) => one.id)).toEqual([second.id])
  })

  test('several requests that arm one machine at once each replace the active deployment', async () => {
    const machine = await prepare()
    const replace = () => armDeployment(database(), machine.id, order, true, 'token y')
    const armed = await Promise.all([1, 2, 3, 4, 5, 6].map(replace))
    const states = await Promise.all(armed.map(async ({ id }) => (await now(id)).state))
    expect(states.sort()).toEqual(['armed', ...Array(5).fill('cancelled')])
  })

  test('boots that are ready at once use up the attempts and do not exceed the limit', async () => {
    const { id } = await arm((await prepare()).id)
    const boots = []
    for (let n = 0; n < 7; n++) boots.push(await boot())
    await Promise.all(boots.map(({ token }) => report(token, 'ready')))
    expect(await now(id)).toMatchObject({ state: 'started', attempts: 3 })
  })

  test('a cancelled deployment has ended and cannot be cancelled again', async () => {
    const { id } = await arm((await prepare()).id)
    const { token } = await boot()
    await cancelDeployment(database(), id, 'tester')
    await report(token, 'ready')
    expect(await now(id)).toMatchObject({ state: 'cancelled', attempts: 0 })
    expect((await decideFor(database(), facts)).spec.kind).toBe('local')
    await expect(cancelDeployment(database(), id, 'tester')).rejects.toThrow(`deployment ${id} is cancelled already`)
  })

  test('a deployment fails when its window after the first attempt ends, and not before an attempt', async () => {
    const { id } = await arm((await prepare()).id)
    await database().execute(sql`update deployments set created_at = now() - interval '9 days'`)
    await failLateDeployments(database())
    expect((await now(id)).state).toBe('armed')
    await report((await boot()).token, 'ready')
    await database().execute(sql`update deployments set started_at = now() - interval '2 hours'`)
    expect((await decideFor(database(), facts)).notices[0]).toContain('timeout: the machine did not report an end')
    await failLateDeployments(database())
    expect(await now(id)).toMatchObject({ state: 'failed', reason: expect.stringContaining('within 3600 s') })
  })

  test('a selector arms many machines, but skips denied and busy machines; a dry run arms no machine', async () => {
    const db = database()
    await prepare()
    const make = async (last: string, change: Parameters<typeof saveMachine>[2]) =>
      (await saveMachine(db, { mac: `52:54:00:00:00:${last}` }, change, {}, 'tester')).machine.id
    const a = await make('01', { labels: { rack: 'b4' } })
    const busy = await make('02', { labels: { rack: 'b4' } })
    const denied = await make('03', { labels: { rack: 'b4' }, denied: true })
    await make('04', { labels: { rack: 'b5' } })
    await arm(busy)
    const selector = [{ label: 'rack', equals: 'b4' }]
    const dry = await armMachines(db, await findAllMachines(db, { selector }), order, { dryRun: true }, 'tester')
    expect(dry.armed.map((one) => one.machineId)).toEqual([a])
    expect((await listDeployments(db, {}, 10)).length).toBe(1)
    const done = await armMachines(db, await findAllMachines(db, { selector }), order, { dryRun: false }, 'token bulk')
    expect(done.armed.map((one) => one.machineId)).toEqual([a])
    expect(done.skipped.map((one) => one.machineId).sort()).toEqual([busy, denied].sort())
    expect((await listDeployments(db, { machineId: a }, 10))[0]).toMatchObject({
      armedBy: 'token bulk',
      state: 'armed',
    })
  })

  test('an image that does not exist is not armed', async () => {
    const machine = await prepare()
    await expect(
      armDeployment(database(), machine.id, { ...order, image: 'nothing' }, false, 'tester'),
    ).rejects.toThrow(InputError)
    await expect(
      armMachines(database(), [], { ...order, image: 'nothing' }, { dryRun: false }, 'tester'),
    ).rejects.toThrow(InputError)
  })

  test('the audit log contains every move and its actor', async () => {
    const { id } = await arm((await prepare()).id)
    const { token } = await boot()
    for (const seen of ['ready', 'installing', 'installed'] as const) await report(token, seen)
    const rows = await database().execute(
      sql`select actor, type, after ->> 'attempts' as attempts from changes where subject = ${id} order by id`,
    )
    expect(rowsOf(rows)).toEqual([
      { actor: 'token x', type: 'deployment.armed', attempts: '0' },
      { actor: `machine ${mac}`, type: 'deployment.started', attempts: '1' },
      { actor: `machine ${mac}`, type: 'deployment.installing', attempts: '1' },
      { actor: `machine ${mac}`, type: 'deployment.installed', attempts: '1' },
    ])
  })
})
