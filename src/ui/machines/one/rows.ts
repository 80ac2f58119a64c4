// The fields of a machine as rows of a page: what was entered, and what it reported.
import type { Machine } from '../../../api/schemas/machines/machine.ts'
import { firmwareOf } from '../state.ts'

export type Row = [name: string, value: string]

/** What identifies the machine, as it was entered. */
export function identityRows({ macs, uuid, serial, product, asset, hostname, id, ...rest }: Machine): Row[] {
  return present([
    ['Host name', hostname],
    [macs.length > 1 ? 'MAC addresses' : 'MAC address', macs.join(' ')],
    ['UUID', uuid],
    ['Serial', serial],
    ['Product', product],
    ['Asset tag', asset],
    ['Expected by', rest.expectedBy],
    [
      'Named by',
      rest.sources?.map(({ owner, externalId }) => [owner, externalId].filter(Boolean).join(' ')).join(', '),
    ],
    ...ownerRows(rest.owners),
    ['Id', id],
  ])
}

/** The fields that each owner set, and those that a person set afterwards. */
function ownerRows(owners: Machine['owners'] = {}): Row[] {
  const fields = new Map<string, string[]>()
  for (const [field, owner] of Object.entries(owners)) {
    const name = `Set by ${typeof owner === 'string' ? owner : owner.by}`
    fields.set(name, [...(fields.get(name) ?? []), field])
  }
  return [...fields].map(([name, list]) => [name, list.sort().join(', ')])
}

/** What the machine reported at its last boot. It is not verified. */
export function factRows({ facts }: Machine): Row[] {
  const { mac, uuid, serial, asset, manufacturer, product, hostname, ip, version, cpuarch, secureBoot } = facts
  const secure = secureBoot === undefined ? undefined : secureBoot ? 'on' : 'off'
  return present([
    ['Address', ip],
    ['Firmware', firmwareOf(facts)],
    ['Secure Boot', secure],
    ['CPU', cpuarch],
    ['Manufacturer', manufacturer],
    ['Product', product],
    ['Serial', serial],
    ['Asset tag', asset],
    ['UUID', uuid],
    ['MAC address', mac],
    ['Host name', hostname],
    ['iPXE', version],
  ])
}

function present(rows: [string, string | undefined][]): Row[] {
  return rows.flatMap(([name, value]): Row[] => (value === undefined || value === '' ? [] : [[name, value]]))
}
