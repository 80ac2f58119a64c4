import type { Assignment } from '../inventory/assignment.ts'
import type { Mac } from '../mac.ts'
import type { AssignmentOptions } from './assignment-options.ts'

/** A machine, as the API gives it. */
export type Machine = {
  id: string
  discovered: boolean
  denied: boolean
  macs: Mac[]
  uuid?: string
  serial?: string
  product?: string
  asset?: string
  hostname?: string
  labels: Record<string, string>
  assignment?: Assignment
  facts: Record<string, string | boolean>
  createdAt: string
  updatedAt: string
  lastSeenAt?: string
}

/** The options of `machine set`. `image` is false with `--no-image`. */
export type SetOptions = Omit<AssignmentOptions, 'image'> & {
  image?: string | false
  hostname?: string
  uuid?: string
  serial?: string
  product?: string
  asset?: string
  label?: string[]
  mac?: Mac[]
  deny?: true
  allow?: true
}

/**
 * The change to send for a machine that is as `before` says. The API takes labels, MACs and the assignment as a whole,
 * so what is not said of them is filled in from before. Pure: the same options again give the same machine.
 */
export function machineChange(mac: Mac, options: SetOptions, before: Machine | undefined): Record<string, unknown> {
  const { hostname, uuid, serial, product, asset, label, mac: further, deny, allow } = options
  const texts = Object.entries({ hostname, uuid, serial, product, asset }).filter(([, value]) => value !== undefined)
  const change = {
    ...Object.fromEntries(texts.map(([name, value]) => [name, value === '' ? null : value])),
    ...(assigns(options) && { assignment: assignmentAfter(options, before?.assignment) }),
    ...(label && { labels: labelsAfter(label, before?.labels) }),
    ...(further && { macs: [...new Set([...(before?.macs ?? []), mac, ...further])] }),
    ...(deny && { denied: true }),
    ...(allow && { denied: false }),
  }
  // What is not there need not be removed, and PUT takes no null.
  return before === undefined
    ? Object.fromEntries(Object.entries(change).filter(([, value]) => value !== null))
    : change
}

function assigns({ image, menu, local, arg, answerFile, param, localBoot }: SetOptions): boolean {
  return [image, menu, local, arg, answerFile, param, localBoot].some((one) => one !== undefined)
}

/** What is said replaces what was: what to boot as one, the args together, params and firmware one by one. */
function assignmentAfter(options: SetOptions, before: Assignment = {}): Assignment | null {
  const { image, menu, local, arg, answerFile, param, localBoot } = options
  const { image: _, menu: __, local: ___, ...how } = before
  const what =
    image === false || image !== undefined || menu !== undefined || local !== undefined
      ? { ...(image && { image }), ...(menu !== undefined && { menu }), ...(local && { local }) }
      : { image: before.image, menu: before.menu, local: before.local }
  const after = {
    // Without an image of its own it also has no arguments for one.
    ...(image === false ? {} : how),
    ...what,
    ...(arg && { args: arg }),
    ...(answerFile !== undefined && { answerFile: answerFile === '' ? undefined : answerFile }),
    ...(param && { params: { ...how.params, ...param } }),
    ...(localBoot && { localBoot: { ...how.localBoot, ...localBoot } }),
  }
  const known = Object.entries(after).filter(([, value]) => value !== undefined)
  return known.length === 0 ? null : Object.fromEntries(known)
}

function labelsAfter(given: string[], before: Record<string, string> = {}): Record<string, string> {
  const labels = { ...before }
  for (const one of given) {
    const [key = '', ...value] = one.split('=')
    if (value.join('=') === '') delete labels[key]
    else labels[key] = value.join('=')
  }
  return labels
}
