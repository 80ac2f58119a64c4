// What would be armed and what is skipped, as a page shows it.
import type { DeploymentsArmed } from '../../api/schemas/boots/deployment.ts'

type Named = { id: string; name: string }
export type Plan = {
  count: number
  /** The first machines that would be armed. */
  armed: Named[]
  skipped: number
  /** The reasons, the most frequent first, each with its first machines. */
  reasons: { why: string; count: number; machines: Named[] }[]
}

const maxNamed = 60
const maxNamedOfReason = 12

export function planOf({ armed, skipped }: Pick<DeploymentsArmed, 'armed' | 'skipped'>): Plan {
  const reasons = new Map<string, Named[]>()
  for (const { machineId, machine, why } of skipped) {
    // The reason names the machine, which would make each reason different.
    const general = why.replaceAll(`machine ${machine}`, 'the machine')
    reasons.set(general, [...(reasons.get(general) ?? []), { id: machineId, name: machine }])
  }
  return {
    count: armed.length,
    armed: armed.slice(0, maxNamed).map(({ machineId, machine }) => ({ id: machineId, name: machine })),
    skipped: skipped.length,
    reasons: [...reasons]
      .map(([why, machines]) => ({ why, count: machines.length, machines: machines.slice(0, maxNamedOfReason) }))
      .toSorted((a, b) => b.count - a.count),
  }
}
