// The computer system of a machine, among the resources of its BMC.
import { realValue } from '../../lib/ids/placeholders.ts'
import { isSameUuid, parseUuid } from '../../lib/ids/uuid.ts'
import type { ReportedPower } from '../../model/power/power.ts'
import { PowerError } from '../port.ts'
import type { BmcHttp } from './http.ts'
import { linkIn, objectIn, textIn } from './resource.ts'

/** A ComputerSystem resource (DSP2046), and its entity tag. */
export type BmcSystem = { path: string; body: Record<string, unknown>; etag: string | undefined }

/** The values of the machine, entered or reported, of which one must be that of the system. */
export type Expected = { uuids: string[]; serials: string[] }

const maxSystems = 100

/**
 * Finds the system: the one with this id or path, or the only one.
 * @param root the service root
 */
export async function findSystem(
  http: BmcHttp,
  root: Record<string, unknown>,
  named: string | undefined,
): Promise<BmcSystem> {
  if (named?.startsWith('/')) return readSystem(http, named)
  const collection = linkIn(root.Systems)
  if (collection === undefined) throw new PowerError('the BMC has no computer systems: its service root has no Systems')
  const { body } = await http.get(collection)
  const members = Array.isArray(body.Members) ? body.Members.slice(0, maxSystems) : []
  const paths = members.flatMap((member) => linkIn(member) ?? [])
  const ids = paths.map((path) => path.replace(/\/$/, '').split('/').at(-1) ?? '')
  const at = named === undefined ? (paths.length === 1 ? 0 : -1) : ids.indexOf(named)
  const path = paths[at]
  if (path !== undefined) return readSystem(http, path)
  throw new PowerError(
    named === undefined
      ? `the BMC has ${paths.length} computer systems, expected 1. Next step: set system to one of: ${ids.join(', ')}`
      : `the BMC has no computer system ${named}. It has: ${ids.join(', ')}`,
  )
}

export async function readSystem(http: BmcHttp, path: string): Promise<BmcSystem> {
  const { body, headers } = await http.get(path)
  return { path, body, etag: textIn(headers.etag) ?? textIn(body['@odata.etag']) }
}

export function powerOf({ body }: BmcSystem): ReportedPower {
  const state = textIn(body.PowerState)
  if (state === 'On') return 'on'
  return state === 'Off' ? 'off' : 'changing'
}

/**
 * Refuses the system of another machine: a wrong URL must not switch off a stranger. If both have a UUID, it decides, but a serial of
 * the machine suffices: some BMCs report a UUID of their own. Without values to compare, the URL is trusted.
 * @throws PowerError
 */
export function checkIdentity({ body }: BmcSystem, { uuids, serials }: Expected): void {
  const uuid = parseUuid(textIn(body.UUID) ?? '')
  const serial = realValue(textIn(body.SerialNumber))
  if (serial !== undefined && serials.includes(serial)) return
  if (uuid === undefined || uuids.length === 0 || uuids.some((expected) => isSameUuid(expected, uuid))) return
  throw new PowerError(
    `the BMC belongs to another machine: its system has the UUID ${uuid}, expected ${uuids.join(' or ')}. ` +
      'Next step: correct the URL or the system. If the BMC reports a wrong UUID, set checkIdentity to false',
  )
}

/** The names of an action's resource: its target, and the values that a parameter may have if the BMC lists them. */
export type ResetAction = { target: string; allowed: string[] | undefined }

/** The action #ComputerSystem.Reset, with its values from the system or from its ActionInfo (DSP0266). */
export async function resetActionOf(http: BmcHttp, { body }: BmcSystem): Promise<ResetAction> {
  const action = objectIn(objectIn(body.Actions)['#ComputerSystem.Reset'])
  const target = textIn(action.target)
  if (target === undefined) throw new PowerError('the BMC offers no action ComputerSystem.Reset')
  const listed = action['ResetType@Redfish.AllowableValues']
  if (Array.isArray(listed)) return { target, allowed: listed.map(String) }
  const info = textIn(action['@Redfish.ActionInfo'])
  if (info === undefined) return { target, allowed: undefined }
  const { body: described } = await http.get(info)
  const parameters = Array.isArray(described.Parameters) ? described.Parameters.map(objectIn) : []
  const values = parameters.find(({ Name }) => Name === 'ResetType')?.AllowableValues
  return { target, allowed: Array.isArray(values) ? values.map(String) : undefined }
}
