// The boots in memory: those opened here, and those of the database that install or have an answer file. Used by roster.ts.
import type { Outcome } from '../../model/boot.ts'
import type { Decision } from '../../model/decision.ts'
import type { Facts } from '../../model/facts.ts'

/** A boot as tokens and answer files need it. */
export type RosterBoot = {
  id: string
  ip: string
  machineId: string | null
  deploymentId: string | null
  image: string | null
  mac: string | null
  outcome: Outcome | null
  /** The machine went past its script. */
  progressed: boolean
  /** The machine has booted again since. */
  overtaken: boolean
  facts: Facts
  decision: Decision
  startedAt: Date
}

/** Tokens expire after this time. */
const lifetimeMs = 48 * 3600_000
const maxBoots = 20_000
/** The limit of boots without a deployment and an answer file. */
const maxPlainBoots = 2000

/** Creates an empty store of boots. The least recently used boots are evicted. */
export function createRosterBoots() {
  // What this server did, and what the database said.
  const local = new Map<string, RosterBoot>()
  const plain = new Map<string, RosterBoot>()
  const recorded = new Map<string, RosterBoot>()
  const ofMachine = new Map<string, Set<string>>()

  const find = (id: string): RosterBoot | undefined => {
    const [own, other] = [local.get(id) ?? plain.get(id), recorded.get(id)]
    const boot = own !== undefined && other !== undefined ? joined(own, other) : (own ?? other)
    return boot !== undefined && boot.startedAt.getTime() > Date.now() - lifetimeMs ? boot : undefined
  }
  const add = (map: Map<string, RosterBoot>, boot: RosterBoot, max: number) => {
    map.delete(boot.id)
    map.set(boot.id, boot)
    if (boot.machineId !== null) {
      const ids = ofMachine.get(boot.machineId) ?? new Set()
      ofMachine.set(boot.machineId, ids.add(boot.id))
    }
    const [oldest = ''] = map.keys()
    if (map.size > max) drop(map, oldest)
  }
  const drop = (map: Map<string, RosterBoot>, id: string) => {
    const machineId = map.get(id)?.machineId ?? ''
    map.delete(id)
    if (local.has(id) || plain.has(id) || recorded.has(id)) return
    const ids = ofMachine.get(machineId)
    ids?.delete(id)
    if (ids?.size === 0) ofMachine.delete(machineId)
  }
  /** A boot that went past its script overtakes the older boots of its machine at its address, as `isOvertaken` (boots.ts) says. */
  const overtake = (boot: RosterBoot) => {
    if (!boot.progressed || boot.machineId === null || boot.decision.identity?.weak !== undefined) return
    for (const id of ofMachine.get(boot.machineId) ?? []) {
      for (const map of [local, plain, recorded]) {
        const older = map.get(id)
        if (older === undefined || older.overtaken || id === boot.id || older.ip !== boot.ip) continue
        const continues = boot.decision.spec.kind === 'local' && older.decision.spec.kind === 'wimboot'
        if (older.startedAt < boot.startedAt && !continues) map.set(id, { ...older, overtaken: true })
      }
    }
  }
  return {
    /** A boot that was opened here, or that moved here. */
    addBoot: (boot: RosterBoot) => {
      if (boot.deploymentId !== null || boot.decision.answerFile !== undefined) add(local, boot, maxBoots)
      else add(plain, boot, maxPlainBoots)
      overtake(boot)
    },
    /** Boots that the database has. */
    addRecorded: (boots: RosterBoot[]) => {
      for (const boot of boots) {
        add(recorded, boot, maxBoots)
        overtake(boot)
      }
    },
    /** The database does not have these boots, or they ended. */
    forgetRecorded: (ids: string[]) => {
      for (const id of ids) drop(recorded, id)
    },
    clearRecorded: () => {
      for (const id of [...recorded.keys()]) drop(recorded, id)
    },
    clear: () => {
      for (const map of [local, plain, recorded, ofMachine]) map.clear()
    },
    findBoot: find,
    /**
     * The newest open boot with an answer file of a machine with one of these MACs, or without a MAC, with one of these UUIDs.
     * A boot whose script went to this address comes first, as in `findAnsweredBoot`.
     */
    findAnswered: ({ macs, uuids }: { macs: string[]; uuids: string[] }, ip: string): RosterBoot | undefined => {
      const ids = new Set([...recorded.keys(), ...local.keys()])
      const found = [...ids]
        .map(find)
        .filter((boot) => boot !== undefined)
        .filter(
          ({ decision, overtaken, outcome }) => decision.answerFile !== undefined && !overtaken && !isEnded(outcome),
        )
        .filter(({ mac, facts }) =>
          mac === null ? uuids.includes((facts.uuid ?? '').toLowerCase()) : macs.includes(mac),
        )
      const rank = (boot: RosterBoot) => (boot.ip === ip ? 1 : 0)
      return found.sort((a, b) => rank(b) - rank(a) || b.startedAt.getTime() - a.startedAt.getTime())[0]
    },
    list: (): RosterBoot[] => {
      const ids = new Set([...recorded.keys(), ...local.keys()])
      return [...ids].map(find).filter((boot) => boot !== undefined)
    },
    size: () => local.size + plain.size + recorded.size,
  }
}

function isEnded(outcome: Outcome | null): boolean {
  return outcome !== null && outcome !== 'stalled' && outcome !== 'superseded'
}

/** Each side may know more: this server before its writes, the database of the reports that other servers got. */
function joined(own: RosterBoot, recorded: RosterBoot): RosterBoot {
  return {
    ...own,
    ...{ machineId: recorded.machineId ?? own.machineId, deploymentId: recorded.deploymentId ?? own.deploymentId },
    outcome: isEnded(own.outcome) ? own.outcome : isEnded(recorded.outcome) ? recorded.outcome : own.outcome,
    progressed: own.progressed || recorded.progressed,
    overtaken: own.overtaken || recorded.overtaken,
  }
}
