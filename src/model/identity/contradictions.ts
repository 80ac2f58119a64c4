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
  if (uuid && facts.uuid !== undefined && facts.uuid !== uuid) {
    const entered = parseUuid(uuid)
    const reported = before.uuid === undefined ? undefined : parseUuid(before.uuid)
    if (isSameUuid(entered, reported) && parseUuid(facts.uuid) === undefined)
      return `UUID ${entered} was entered and reported before, but now the machine reports ${facts.uuid}`
  }
  if (serial === undefined || facts.serial === undefined || facts.serial === serial) return undefined
  const own = realValue(serial)
  if (!isSame(own, realValue(before.serial)) || realValue(facts.serial) !== undefined) return undefined
  return `serial ${own} was entered and reported before, but now the machine reports ${facts.serial}`
}

/** The entered value that differs from the reported one. */
export function whyDiffers({ uuid, serial }: Machine, facts: Facts): string | undefined {
  if (uuid && facts.uuid && facts.uuid !== uuid) {
    const [entered, reported] = [parseUuid(uuid), parseUuid(facts.uuid)]
    if (entered && reported && !isSameUuid(entered, reported))
      return `UUID ${entered} was entered, but the machine reports ${reported}`
  }
  if (serial === facts.serial) return undefined
  const [entered, reported] = [realValue(serial), realValue(facts.serial)]
  return entered === undefined || reported === undefined || folded(entered) === folded(reported)
    ? undefined
    : `serial ${entered} was entered, but the machine reports ${reported}`
}

/** A serial or product for comparison: in lower case, with single spaces. */
export function folded(text: string): string {
  return text.toLowerCase().replaceAll(/\s+/g, ' ')
}

/** Whether both texts are there and the same, but for case and spaces. */
export function isSame(text: string | undefined, other: string | undefined): boolean {
  return text !== undefined && other !== undefined && (text === other || folded(text) === folded(other))
}
