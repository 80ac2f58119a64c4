// The effects of records on the roster of this server, before the database knows them. Called by open-journal.ts and open.ts.
import { setImmediate as nextTurn } from 'node:timers/promises'
import {
  defaultWindowSeconds,
  isActive,
  type LatestDeployment,
  type Move,
  moveDeployment,
  type Seen,
} from '../../model/deployment.ts'
import type { Machine } from '../../model/machine.ts'
import type { MovedDeployment } from '../boots/deployment-moves.ts'
import type { BootRecord } from '../boots/open-boot.ts'
import { moveBy, outcomeAfter } from '../boots/reports.ts'
import type { RosterBoot } from '../roster/boots.ts'
import type { JournalPlace, Roster } from '../roster/roster.ts'
import type { JournalRun } from './files.ts'
import type { RecordKind } from './records.ts'
import type { ClaimRecord, DiscoveredRecord, ReportRecord } from './writing/write-batch.ts'

export type LocalEffects = {
  opened: (boot: BootRecord, startedAt: Date) => void
  /** False if this server does not know the boot. @param n the number of the report's record in its run */
  reported: (report: Pick<ReportRecord, 'boot_id' | 'seen' | 'message'>, n: number) => boolean
  discovered: (record: DiscoveredRecord, at: Date) => void
  claimed: (record: ClaimRecord) => void
  /** The database has moved a deployment. The roster hears of it before its next question. */
  moved: (deployment: MovedDeployment) => void
  /** The records of the present run up to this number are in the database. */
  written: (n: number) => void
  /** The records of former runs are in the database. */
  formerWritten: () => void
  /**
   * Repeats the effects of former runs: the file of the roster may be a minute older than a kill.
   * @param restoredTo the place up to which the roster has all effects
   */
  repeat: (former: JournalRun[], restoredTo: JournalPlace | undefined) => Promise<void>
}

/** The number of a record of a former run. */
const ofFormerRun = -1
const readBytes = 2 ** 20

export function createLocalEffects(roster: Roster): LocalEffects {
  // The last report that moved a deployment here.
  const moved = new Map<string, number>()
  const move = (deploymentId: string, to: Move | undefined, n: number) => {
    if (to === undefined) return
    roster.moved(deploymentId, to)
    moved.set(deploymentId, n)
  }
  const settle = (isWritten: (n: number) => boolean) => {
    for (const [id, n] of moved)
      if (isWritten(n)) {
        moved.delete(id)
        roster.settled(id)
      }
  }
  const effects: LocalEffects = {
    opened: (record, startedAt) => {
      if (roster.findBoot(record.id) === undefined) roster.addBoot(bootOf(record, startedAt))
    },
    reported: ({ boot_id, seen, message }, n) => {
      const boot = roster.findBoot(boot_id)
      if (boot === undefined) return false
      const outcome = outcomeAfter({ ...boot, reports: true }, seen)
      const deployment = (boot.machineId === null ? undefined : roster.deploymentOf(boot.machineId)) ?? decidedIn(boot)
      if (deployment !== undefined) move(deployment.id, moveOf(boot, deployment, seen, message), n)
      roster.addBoot({ ...boot, outcome, progressed: boot.progressed || seen !== 'failed' })
      return true
    },
    discovered: ({ machine_id: id, facts }, at) => roster.addDiscovered(discoveredMachine(id, facts, at)),
    claimed: ({ machine_id, facts }) => roster.addClaim(machine_id, { mac: facts.mac ?? '', facts }),
    moved: ({ id, state, attempts, reason }) => {
      // A later report may have moved it further here.
      if (moved.has(id)) return
      roster.moved(id, { state, attempts, ...(reason !== null && { reason }) })
      roster.settled(id)
    },
    written: (n) => settle((last) => last <= n && last !== ofFormerRun),
    formerWritten: () => settle((last) => last === ofFormerRun),
    repeat: async (former, restoredTo) => {
      for (const id of roster.movedDeployments()) moved.set(id, ofFormerRun)
      const first = former.findIndex(({ run }) => run === restoredTo?.run)
      for (const run of first === -1 ? former : former.slice(first))
        for (let at = run.run === restoredTo?.run ? Math.max(restoredTo.end, run.first()) : run.first(); ; ) {
          const entries = await run.read(at, readBytes)
          if (entries.length === 0) break
          for (const { text } of entries) repeatRecord(effects, text, run)
          at = entries.at(-1)?.end ?? at
          await nextTurn()
        }
    },
  }
  return effects
}

function repeatRecord(effects: LocalEffects, text: string, run: JournalRun): void {
  // A quick test of the beginning: most records have no effect here.
  if (!/^\{"record":"(boot|report|discovered|claim)"/.test(text)) return
  const record = JSON.parse(text) as { record: RecordKind; ms: number }
  const at = new Date(Date.now() - Math.max(0, run.now() - record.ms))
  if (record.record === 'boot') effects.opened(record as unknown as BootRecord, at)
  else if (record.record === 'report') effects.reported(record as unknown as ReportRecord, ofFormerRun)
  else if (record.record === 'discovered') effects.discovered(record as unknown as DiscoveredRecord, at)
  else effects.claimed(record as unknown as ClaimRecord)
}

/** How a report moves the newest deployment of its machine: the same rules as in `writeReports`. */
function moveOf(
  boot: RosterBoot,
  deployment: LatestDeployment,
  seen: Seen,
  message: string | undefined,
): Move | undefined {
  if (boot.deploymentId !== null)
    return boot.deploymentId === deployment.id ? moveBy(boot, deployment, seen, message) : undefined
  if (boot.overtaken || boot.decision.identity?.weak !== undefined || !isActive(deployment.state)) return undefined
  if (seen === 'ready' && deployment.attempts > 0) return moveDeployment(deployment, { by: 'another boot' })
  if (seen !== 'installed' || boot.image !== deployment.image) return undefined
  const reason = `a boot without it reported that ${deployment.image} is installed`
  return { state: 'cancelled', attempts: deployment.attempts, reason }
}

/** The deployment of a boot, as it was when its script was made. */
function decidedIn({ deploymentId, decision }: RosterBoot): LatestDeployment | undefined {
  const { deployment, image } = decision
  if (deployment === undefined || deployment.id !== deploymentId) return undefined
  const attempts = deployment.attempt - 1
  return {
    ...{ id: deployment.id, image: image?.name ?? '', version: null, assignment: {}, reason: null },
    ...{ state: attempts === 0 ? 'armed' : 'started', attempts, maxAttempts: deployment.maxAttempts },
    ...{ windowSeconds: defaultWindowSeconds, late: false },
  }
}

function bootOf(
  { id, ip, machine_id, deployment_id, image, mac, outcome, facts, decision }: BootRecord,
  startedAt: Date,
): RosterBoot {
  return {
    ...{ id, ip, facts, decision, startedAt },
    machineId: machine_id ?? null,
    deploymentId: deployment_id ?? null,
    image: image ?? null,
    mac: mac ?? null,
    outcome: outcome ?? null,
    progressed: false,
    overtaken: false,
  }
}

function discoveredMachine(id: string, facts: DiscoveredRecord['facts'], at: Date): Machine {
  return {
    ...{ id, macs: [facts.mac], discovered: true, discoveredFrom: '', denied: false, labels: {}, facts },
    ...{ revision: 1, createdAt: at, updatedAt: at, lastSeenAt: at },
  }
}
