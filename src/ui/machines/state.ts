// A machine in words: its name, its state, its assignment, its firmware.
import type { Strip } from '../../api/schemas/boots/strips.ts'
import type { Machine } from '../../api/schemas/machines/machine.ts'
import { formatImageRef } from '../../model/image.ts'
import { lookOf } from '../boots/strip.ts'
import type { Tone } from '../http/tone.ts'

/** What people call a machine. */
export function nameOf(machine: Pick<Machine, 'name' | 'macs' | 'id' | 'sources'>): string {
  const { name, id, sources } = machine
  // A machine that only an inventory names has no MAC address yet.
  if (name === undefined || name === id) return sources?.[0]?.externalId ?? handleOf(machine)
  return name
}

/** What the command line calls a machine. */
export function handleOf({ macs, id }: Pick<Machine, 'macs' | 'id'>): string {
  return macs[0] ?? id
}

/** `more`: a second line, such as the image of a deployment. */
export type StateBadge = { tone: Tone; word: string; more?: string }

/** The badge of a machine: what matters most first. @param strip its last boots and its deployment */
export function stateOf(machine: Machine, strip: Strip | undefined): StateBadge {
  const { denied, discovered, lastSeenAt, expectedBy } = machine
  const [newest] = strip?.boots ?? []
  const deployment = strip?.deployment
  if (denied) return { tone: 'bad', word: 'denied' }
  if (newest?.outcome === 'stalled') return { tone: 'warn', word: 'stalled', more: `at ${newest.stage}` }
  if (deployment !== undefined) return { tone: 'busy', word: deployment.state, more: deployment.image }
  if (newest !== undefined && newest.outcome === undefined) return { tone: 'busy', word: 'booting', more: newest.stage }
  if (newest?.outcome === 'failed') return { tone: 'bad', word: 'failed' }
  if (discovered) return { tone: 'warn', word: 'discovered' }
  if (newest !== undefined) return lookOf(newest.outcome)
  if (lastSeenAt === undefined && expectedBy !== undefined)
    return {
      tone: isOverdue(machine) ? 'bad' : 'idle',
      word: isOverdue(machine) ? 'late' : 'expected',
      more: `by ${expectedBy}`,
    }
  return lastSeenAt === undefined ? { tone: 'idle', word: 'never seen' } : { tone: 'idle', word: 'no boots' }
}

/** Whether the day by which a machine was expected has passed. Days are those of UTC, as for findings. */
export function isOverdue({ expectedBy, lastSeenAt }: Pick<Machine, 'expectedBy' | 'lastSeenAt'>): boolean {
  return lastSeenAt === undefined && expectedBy !== undefined && expectedBy < new Date().toISOString().slice(0, 10)
}

/** The choice that is assigned to a machine; undefined if groups or the policy decide. */
export function assignedOf({ assignment = {} }: Pick<Machine, 'assignment'>): string | undefined {
  const { image, version, menu, local } = assignment
  const named = image && formatImageRef({ image, version })
  return named ?? (menu === undefined ? (local ? 'local disk' : undefined) : `menu ${menu}`)
}

/** The firmware and the architecture of a machine, as it reported them. */
export function firmwareOf({ platform, buildarch }: Machine['facts']): string | undefined {
  if (platform === undefined) return undefined
  return [platform === 'efi' ? 'UEFI' : 'BIOS', buildarch].filter(Boolean).join(' ')
}
