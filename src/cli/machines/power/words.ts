// Power requests as text.
import type { PowerRequest } from '../../../api/schemas/machines/power.ts'

/** `node1: cycle done, on: restarted (ForceRestart)` */
export function formatRequest({ machine, machineId, action, state, power, message }: PowerRequest): string {
  const result = [`${action} ${state}`, power].filter(Boolean).join(', ')
  return `${machine ?? machineId}: ${result}${message === undefined ? '' : `: ${message}`}`
}
