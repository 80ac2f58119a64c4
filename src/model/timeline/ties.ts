// Which events at an address are of a machine: TFTP and HTTP carry no MAC. Pure.
import type { Mac } from '../../lib/ids/mac.ts'
import type { BootEvent } from '../boot.ts'

/** A MAC had an address at a time: by the lease that it accepted, by its request to port 4011, or by its script. */
export type Tie = { mac: Mac; ip: string; at: Date }

/** A tie holds for events this long before it, milliseconds: firmware fetches its boot program before its script. */
const beforeMs = 10 * 60_000
/** And this long after it: a lease is then renewed, and its server may have given the address away. */
const afterMs = 60 * 60_000

/** The MAC of an event: its own, or the one that was tied to its address at that time; undefined without either. */
export type OwnerOf = (event: Pick<BootEvent, 'mac' | 'ip' | 'at'>) => string | undefined

/** The events of these MACs: with one of them, or without a MAC at an address that was tied to one of them at that time. */
export function eventsOfMacs(events: BootEvent[], macs: Mac[], ties: Tie[]): BootEvent[] {
  const ownerOf = ownersBy(ties)
  const ownMacs = new Set<string>(macs)
  return events.filter((event) => {
    const owner = ownerOf(event)
    return owner !== undefined && ownMacs.has(owner)
  })
}

/** Finds the MAC of an event. The last tie before the event decides; without one, the first tie soon after it. */
export function ownersBy(ties: Tie[]): OwnerOf {
  const byAddress = new Map<string, Tie[]>()
  for (const tie of ties.toSorted((first, second) => first.at.getTime() - second.at.getTime())) {
    const tied = byAddress.get(tie.ip)
    if (tied === undefined) byAddress.set(tie.ip, [tie])
    else tied.push(tie)
  }
  return (event) => {
    if (event.mac !== undefined) return event.mac
    const tied = byAddress.get(event.ip) ?? []
    const at = event.at.getTime()
    const before = tied.findLast((tie) => tie.at.getTime() <= at && at - tie.at.getTime() <= afterMs)
    const owner = before ?? tied.find((tie) => tie.at.getTime() > at && tie.at.getTime() - at <= beforeMs)
    return owner?.mac
  }
}
