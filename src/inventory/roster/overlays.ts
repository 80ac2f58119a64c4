// What this server knows before the database does: moves of deployments, discovered machines and claims. Used by roster.ts.

import { isActive, type Move } from '../../model/deployment.ts'
import type { Facts } from '../../model/facts.ts'
import type { Machine } from '../../model/machine.ts'
import type { Entry, RosterMachine } from './entries/entry.ts'
import { createKeyIndex } from './entries/key-index.ts'
import { type Key, keysOfEntry, type RankedKey } from './entries/keys.ts'

/** A request that matched a machine without one of its MACs. */
export type Claim = { mac: string; facts: Facts }

/** The limits of overlays: what is oldest leaves. Beyond an outage, each lasts for seconds. */
const maxMoves = 100_000
const maxMachines = 20_000
const maxClaims = 16

/** `settled`: the number of the last question before the database knew the move. */
type Moved = Move & { at: number; settled?: number }

/** Creates the overlays of a server. */
export function createOverlays() {
  const moves = new Map<string, Moved>()
  const machines = new Map<string, { machine: Machine; keys: Key[] }>()
  const index = createKeyIndex(0)
  // `of`: the values that an operator entered. If they change, earlier claims say nothing.
  const claims = new Map<string, { of: string | undefined; list: Claim[] }>()

  const forgetMachine = (id: string) => {
    for (const key of machines.get(id)?.keys ?? []) index.remove(key, id)
    machines.delete(id)
  }
  const claimsOf = ({ id, macs, uuid, serial, product }: Machine): Claim[] => {
    const held = claims.get(id)
    if (held === undefined) return []
    const values = JSON.stringify([macs, uuid, serial, product])
    held.of ??= values
    if (held.of === values) return held.list
    claims.delete(id)
    return []
  }
  return {
    /** A deployment moved, before the database knows it. @param now by the clock of the database */
    moved: (deploymentId: string, move: Move, now: number) => {
      moves.set(deploymentId, { ...move, at: moves.get(deploymentId)?.at ?? now })
      trim(moves, maxMoves)
    },
    moveOf: (deploymentId: string): Moved | undefined => moves.get(deploymentId),
    /** The database knows the move, and the answer to a question after `asked` contains it. */
    settled: (deploymentId: string, asked: number) => {
      const move = moves.get(deploymentId)
      if (move !== undefined) moves.set(deploymentId, { ...move, settled: asked })
    },
    /** Drops the moves that were settled before a question began. */
    dropSettled: (question: number) => {
      for (const [id, { settled }] of moves) if (settled !== undefined && settled < question) moves.delete(id)
    },
    addDiscovered: (machine: Machine) => {
      forgetMachine(machine.id)
      const { macs, createdAt, updatedAt, lastSeenAt: _, name: __, ...values } = machine
      const entry = { ...values, createdAt: createdAt.getTime(), updatedAt: updatedAt.getTime() }
      const keys = keysOfEntry({ machine: entry, macs })
      machines.set(machine.id, { machine, keys })
      for (const key of keys) index.add(key, machine.id)
      if (machines.size > maxMachines) forgetMachine([...machines.keys()][0] ?? '')
    },
    addClaim: (machineId: string, claim: Claim) => {
      const held = claims.get(machineId)
      const others = (held?.list ?? []).filter(({ mac }) => mac !== claim.mac)
      claims.delete(machineId)
      claims.set(machineId, { of: held?.of, list: [...others, claim].slice(-maxClaims) })
      trim(claims, maxMachines)
    },
    /** The database has this entry now, so what came before it is dropped. */
    known: ({ machine, macs, claims: recorded = [] }: Entry) => {
      for (const mac of macs) for (const id of [...index.find(['mac', mac])]) forgetMachine(id)
      const held = claims.get(machine.id)
      if (held === undefined) return
      held.list = held.list.filter(({ mac }) => !recorded.some((claim) => claim.mac === mac))
      if (held.list.length === 0) claims.delete(machine.id)
    },
    /** What the database knows of a machine, with what this server knows beyond it. */
    over: (candidate: RosterMachine, now: number): RosterMachine => {
      const { machine, deployment } = candidate
      const all = claimsOf(machine).filter(({ mac }) => !candidate.claims.some((claim) => claim.mac === mac))
      const move = deployment === undefined ? undefined : moves.get(deployment.id)
      // An operator may have ended the deployment since: an ended deployment does not move.
      if (all.length === 0 && (move === undefined || deployment === undefined || !isActive(deployment.state)))
        return candidate
      return {
        ...candidate,
        claims: [...candidate.claims, ...all],
        deployment: deployment && move && isActive(deployment.state) ? movedTo(deployment, move, now) : deployment,
      }
    },
    /** The discovered machines of a request that the database does not know yet. */
    discovered: (keys: RankedKey[]): RosterMachine[] => {
      if (machines.size === 0) return []
      const ids = new Set(keys.flatMap(({ key }) => [...index.find(key)]))
      const found = [...ids].map((id) => machines.get(id)).filter((discovered) => discovered !== undefined)
      return found.map(({ machine }) => ({
        machine: { ...machine, name: machine.name ?? machine.hostname ?? machine.macs[0] ?? machine.id },
        claims: claims.get(machine.id)?.list ?? [],
        deployment: undefined,
        secrets: [],
      }))
    },
    /** All overlays, for the file of the roster. */
    list: () => ({
      moves: [...moves],
      machines: [...machines.values()].map(({ machine }) => machine),
      claims: [...claims].map(([id, { list }]) => [id, list] as const),
    }),
  }
}

function movedTo(deployment: NonNullable<RosterMachine['deployment']>, move: Moved, now: number) {
  const { state, attempts, reason, at } = move
  const isLate =
    deployment.attempts === 0 && attempts > 0 ? at + deployment.windowSeconds * 1000 < now : deployment.late
  return {
    ...deployment,
    state,
    attempts: Math.max(attempts, deployment.attempts),
    late: isLate,
    reason: isActive(state) ? deployment.reason : (reason ?? null),
  }
}

function trim(map: Map<string, unknown>, max: number): void {
  const [oldest = ''] = map.keys()
  if (map.size > max) map.delete(oldest)
}
