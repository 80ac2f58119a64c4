import type { Mac } from '../mac.ts'

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
  assignment?: { image?: string; args?: string[] }
  facts: Record<string, string | boolean>
  createdAt: string
  updatedAt: string
  lastSeenAt?: string
}

/** The options of `machine set`. `image` is false with `--no-image`. */
export type SetOptions = {
  image?: string | false
  arg?: string[]
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
  const { image, arg, hostname, uuid, serial, product, asset, label, mac: further, deny, allow } = options
  const texts = Object.entries({ hostname, uuid, serial, product, asset }).filter(([, value]) => value !== undefined)
  const assigned = image !== undefined || arg !== undefined
  const change = {
    ...Object.fromEntries(texts.map(([name, value]) => [name, value === '' ? null : value])),
    ...(assigned && { assignment: assignmentAfter(image, arg, before?.assignment) }),
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

function assignmentAfter(
  image: SetOptions['image'],
  args: string[] | undefined,
  before: Machine['assignment'],
): Machine['assignment'] | null {
  if (image === false) return args === undefined ? null : { args }
  const named = image ?? before?.image
  const wanted = args ?? before?.args
  return { ...(named !== undefined && { image: named }), ...(wanted !== undefined && { args: wanted }) }
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
