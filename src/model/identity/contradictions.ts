// Entered values against reported ones: what contradicts, and what counts as the same. Pure.
import { realValue } from '../../lib/ids/placeholders.ts'
import { isSameUuid, parseUuid } from '../../lib/ids/uuid.ts'
import type { Facts } from '../facts.ts'
import type { Machine } from '../machine.ts'

/** The entered value that the facts contradict. A placeholder contradicts only a value that the machine once reported. */
export function whyContradicts(machine: Machine, facts: Facts): string | undefined {
  return whyDiffers(machine, facts) ?? whyLost(machine, facts)
}

function whyLost({ uuid, serial, facts: before }: Machine, facts: Facts): string | undefined {
  const [entered, reported] = [uuid, before.uuid].map((text) => (text === undefined ? undefined : parseUuid(text)))
  if (isSameUuid(entered, reported) && facts.uuid !== undefined && parseUuid(facts.uuid) === undefined)
    return `UUID ${entered} was entered and reported before, but now the machine reports ${facts.uuid}`
  const [own, earlier] = [realValue(serial), realValue(before.serial)]
  if (!isSame(own, earlier)) return undefined
  return facts.serial === undefined || realValue(facts.serial) !== undefined
    ? undefined
    : `serial ${own} was entered and reported before, but now the machine reports ${facts.serial}`
}

/** The entered value that differs from the reported one. */
export function whyDiffers(machine: Machine, facts: Facts): string | undefined {
  const uuid = machine.uuid && parseUuid(machine.uuid)
  const reported = facts.uuid === undefined ? undefined : parseUuid(facts.uuid)
  if (uuid && reported && !isSameUuid(uuid, reported))
    return `UUID ${uuid} was entered, but the machine reports ${reported}`
  const [serial, other] = [realValue(machine.serial), realValue(facts.serial)]
  if (serial !== undefined && other !== undefined && folded(serial) !== folded(other))
    return `serial ${serial} was entered, but the machine reports ${other}`
  return undefined
}

/** A serial or product for comparison: in lower case, with single spaces. */
export function folded(text: string): string {
  return text.toLowerCase().replaceAll(/\s+/g, ' ')
}

/** Whether both texts are there and the same, but for case and spaces. */
export function isSame(text: string | undefined, other: string | undefined): boolean {
  return text !== undefined && other !== undefined && folded(text) === folded(other)
}
