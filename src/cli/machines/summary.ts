// A machine as text.
import type { Machine } from '../../api/schemas/machines/machine.ts'
import { formatAssignment } from './assignment-options.ts'

/** What a machine boots by its own assignment. */
export function bootsWhat({ assignment }: Machine): string {
  const text = formatAssignment(assignment)
  return (assignment?.image ?? assignment?.menu ?? assignment?.local)
    ? text
    : ['by group or policy', text].filter(Boolean).join(', ')
}

/** `denied`, `discovered` or nothing. */
export function stateOf({ denied, discovered }: Machine): string {
  return denied ? 'denied' : discovered ? 'discovered' : ''
}

/** `rack=b4 role=web`. */
export function labelsOf({ labels }: Machine): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(' ')
}

/** A machine in one line: its names, what it boots, its labels. */
export function summaryOf(machine: Machine): string {
  const labels = labelsOf(machine)
  const parts = [
    `boots ${bootsWhat(machine)}`,
    machine.denied ? 'denied: boots are refused' : '',
    labels && `labels ${labels}`,
  ]
  return `${[...machine.macs, machine.hostname].filter(Boolean).join(' ')}: ${parts.filter(Boolean).join(', ')}`
}
