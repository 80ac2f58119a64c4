// The options of `machine set`, and the change that they describe.
import type { MachineChange } from '../../api/schemas/machines/machine.ts'
import type { Mac } from '../../lib/ids/mac.ts'
import type { ImageRef } from '../../model/image.ts'
import { type AssignmentOptions, assignmentChange } from './assignment-options.ts'
import { type Change, clearing, merged } from './clear.ts'

/** The fields that are one text. */
type TextField = {
  [Field in keyof MachineChange]-?: NonNullable<MachineChange[Field]> extends string ? Field : never
}[keyof MachineChange]

/** The help of the text options of `machine set`, by field. */
export const textOptions: Record<TextField, string> = {
  hostname: "host name ('' removes it, as with the other texts)",
  uuid: 'SMBIOS system UUID',
  serial: 'serial number',
  product: 'product name',
  asset: 'asset tag',
  expectedBy: 'day by which its first boot is expected, as YYYY-MM-DD',
}
export const textFields = Object.keys(textOptions) as TextField[]

/** The name of the option of a field: `expected-by`. */
export function optionOf(field: TextField): string {
  return field.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
}

/** The options of `machine set`. `image` is false with `--no-image`. */
export type SetOptions = Omit<AssignmentOptions, 'image'> & { [Field in TextField]?: string } & {
  image?: ImageRef | false
  label?: string[]
  mac?: Mac[]
  removeMac?: Mac[]
  addMac?: Mac[]
  clearUuid?: true
  clearSerial?: true
  deny?: true
  allow?: true
  clear?: string[]
  replace?: true
  dryRun?: true
}

/**
 * The change to send: only the given fields, which the API merges with the others. The API replaces the MACs as a whole, so
 * the change includes those of the machine. @throws Error if a MAC to remove is not among them
 */
export function machineChange(options: SetOptions, macs: Mac[]): Change {
  const { label, mac = [], addMac = [], removeMac = [], clearUuid, clearSerial, deny, allow } = options
  const further = [...mac, ...addMac]
  const clear = [...(options.clear ?? []), ...(clearUuid ? ['uuid'] : []), ...(clearSerial ? ['serial'] : [])]
  const texts = textFields.filter((field) => options[field] !== undefined)
  const assignment = assignmentChange(options)
  const given = {
    ...Object.fromEntries(texts.map((field) => [field, options[field] === '' ? null : options[field]])),
    ...(assignment && { assignment }),
    ...(label && { labels: Object.fromEntries(label.map(readLabel)) }),
    ...(further.length + removeMac.length > 0 && { macs: orNone(macsAfter(macs, further, removeMac)) }),
    ...(deny && { denied: true }),
    ...(allow && { denied: false }),
  }
  return merged(clearing(clear, textFields), given)
}

function macsAfter(before: Mac[], further: Mac[], removed: Mac[]): Mac[] {
  const missing = removed.find((mac) => !before.includes(mac))
  if (missing !== undefined)
    throw new Error(`--remove-mac ${missing}: expected a MAC of the machine: ${before.join(', ') || '(none)'}`)
  return [...new Set([...before.filter((mac) => !removed.includes(mac)), ...further])]
}

/** To remove the last MAC, the API takes null, not an empty list. */
function orNone(macs: Mac[]): Mac[] | null {
  return macs.length > 0 ? macs : null
}

function readLabel(text: string): [string, string | null] {
  const at = text.indexOf('=')
  const value = at < 0 ? '' : text.slice(at + 1)
  return [at < 0 ? text : text.slice(0, at), value === '' ? null : value]
}
