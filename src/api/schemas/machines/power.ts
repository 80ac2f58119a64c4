// Request and response schemas of power.

import { z } from '@hono/zod-openapi'
import { isBaseUrl } from '../../../lib/base-url.ts'
import { type PowerSetting, powerActions, powerKinds, powerStates, reportedPowers } from '../../../model/power/power.ts'
import { history, limit, machineKey, moment, pageOf, refuse, uuidv7 } from '../common.ts'
import type { Given, Sent } from '../json.ts'
import { machineFilter, machineIds } from './action.ts'
import { selector } from './assignment.ts'

const url = z
  .string()
  .trim()
  .max(300, 'at most 300 characters')
  .transform((text, context) => {
    // A BMC without a scheme is asked by TLS.
    const full = (/^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `https://${text}`).replace(/\/$/, '').toLowerCase()
    return isBaseUrl(full) ? full : refuse(context, 'https://HOST or https://HOST:PORT of a BMC, without a path')
  })
  .openapi({
    type: 'string',
    description: 'https:// is added if no scheme is given. http:// sends the password in clear.',
    example: 'https://10.0.9.17',
  })

const system = z
  .string()
  .regex(/^(\/redfish\/v1\/[\x21-\x7e]{1,256}|[\x21-\x2e\x30-\x7e]{1,128})$/, 'the id or the path of a computer system')
  .openapi({
    description: 'The computer system of the machine. If absent, the BMC must have exactly one.',
    example: 'System.Embedded.1',
  })

const username = z.string().regex(/^[\x21-\x39\x3b-\x7e]{1,128}$/, '1 to 128 characters without spaces and colons')

const password = z
  .string()
  .min(1, 'the password of the BMC')
  .max(256, 'at most 256 characters')
  .refine((text) => !/[\p{Cc}\p{Cs}]/u.test(text), 'no control characters')
  .openapi({
    writeOnly: true,
    description: 'Encrypted at rest, never shown. If absent, the stored one stays. A new url or username needs it.',
  })

const verifyTls = z
  .union([
    z.boolean(),
    z
      .string()
      .transform((text, context) => {
        const digits = text.replaceAll(':', '').toLowerCase()
        return /^[0-9a-f]{64}$/.test(digits) ? digits : refuse(context, 'true, false or a SHA-256 fingerprint')
      })
      .openapi({ type: 'string' }),
  ])
  .openapi({
    description:
      'true: by the authorities that the server trusts. A text: the SHA-256 fingerprint of the certificate. false: not at all.',
  })

const checkIdentity = z.boolean().openapi({
  description: 'Refuse a BMC whose UUID and serial are those of another machine.',
})

export const powerPut = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('wake-on-lan') }),
    z.strictObject({
      kind: z.literal('redfish'),
      url,
      system: system.optional(),
      username,
      password: password.optional(),
      verifyTls: verifyTls.default(true),
      checkIdentity: checkIdentity.default(true),
    }),
  ])
  .openapi('PowerPut')
export type PowerPut = Sent<typeof powerPut>

const order = {
  action: z.enum(powerActions).openapi({
    description: 'off asks the operating system to shut down. cycle restarts at once. state only reads.',
  }),
  network: z
    .boolean()
    .default(false)
    .openapi({ description: 'With on and cycle: the next boot is a network boot, once.' }),
  force: z.boolean().default(false).openapi({ description: 'With off: switch off at once.' }),
}

function refuseOdd({ action, network, force }: z.output<z.ZodObject<typeof order>>, context: z.RefinementCtx): void {
  if (network && action !== 'on' && action !== 'cycle')
    context.addIssue({ code: 'custom', path: ['network'], message: 'network only with on and cycle' })
  if (force && action !== 'off') context.addIssue({ code: 'custom', path: ['force'], message: 'force only with off' })
}

export const powerOrder = z.strictObject(order).superRefine(refuseOdd).openapi('PowerOrder')
export type PowerOrder = Sent<typeof powerOrder>

export const powersOrder = z
  .strictObject({
    selector: selector.min(1, 'at least one condition').optional(),
    ids: machineIds.optional(),
    filter: machineFilter.optional(),
    ...order,
    dryRun: z.boolean().default(false).openapi({ description: 'Power nothing; report what would be powered.' }),
    expect: z.int().min(0).optional().openapi({
      description:
        'The number of `requested` machines in the preview. If another number would be powered, none is, and the answer is a conflict (409).',
    }),
  })
  .superRefine(refuseOdd)
  .superRefine(({ selector, ids, filter }, context) => {
    if ([selector, ids, filter].filter((given) => given !== undefined).length !== 1)
      context.addIssue({ code: 'custom', path: ['selector'], message: 'exactly one of selector, ids and filter' })
    if (filter !== undefined && Object.values(filter).every((value) => value === undefined))
      context.addIssue({ code: 'custom', path: ['filter'], message: 'at least one parameter' })
  })
  .openapi('PowersOrder')

export const powerRequest = z
  .object({
    id: uuidv7,
    machineId: uuidv7,
    machine: z.string().optional().openapi({ description: 'The name of the machine.' }),
    deploymentId: uuidv7.optional(),
    batch: uuidv7.optional().openapi({ description: 'The same for all requests that were made together.' }),
    action: z.enum(powerActions),
    network: z.boolean(),
    force: z.boolean(),
    state: z.enum(powerStates),
    power: z.enum(reportedPowers).optional().openapi({ description: 'As the BMC reported it after the action.' }),
    message: z.string().optional().openapi({ description: 'The result, or the reason of the failure.' }),
    askedBy: z.string(),
    createdAt: moment,
    startedAt: moment.optional(),
    endedAt: moment.optional(),
  })
  .openapi('PowerRequest', { description: 'One action on the power of one machine.' })
export type PowerRequest = Given<typeof powerRequest>

export const powerView = z
  .object({
    kind: z.enum(powerKinds),
    url: z.string().optional(),
    system: z.string().optional(),
    username: z.string().optional(),
    verifyTls: z.union([z.boolean(), z.string()]).optional(),
    checkIdentity: z.boolean().optional(),
    actions: z.array(z.enum(powerActions)).openapi({ description: 'The actions that this kind can do.' }),
    bootsFromNetwork: z.boolean().openapi({ description: 'Whether this kind can make the next boot a network boot.' }),
    last: powerRequest.optional().openapi({ description: 'The newest request.' }),
    ...history,
  })
  .openapi('Power', { description: 'How a machine is powered. The password is never shown.' })
export type PowerView = Given<typeof powerView>

export const powersRequested = z
  .object({
    batch: uuidv7.openapi({ description: 'Shared by all requests. POST power-requests/cancel takes it.' }),
    requested: z.array(z.object({ id: uuidv7.optional(), machineId: uuidv7, machine: z.string() })),
    skipped: z.array(z.object({ machineId: uuidv7, machine: z.string(), why: z.string() })),
  })
  .openapi('PowersRequested')
export type PowersRequested = Given<typeof powersRequested>

export const powerRequestList = pageOf(powerRequest).openapi('PowerRequestList')
export type PowerRequestList = Given<typeof powerRequestList>

export const powerRequestsQuery = z.strictObject({
  limit,
  before: uuidv7.optional().openapi({ description: 'The `next` value of the previous page.' }),
  machine: machineKey.optional(),
  batch: uuidv7.optional(),
  state: z.enum(powerStates).optional(),
})

export const powerCancel = z
  .strictObject({ id: uuidv7.optional(), batch: uuidv7.optional() })
  .refine(({ id, batch }) => (id === undefined) !== (batch === undefined), {
    path: ['batch'],
    message: 'either an id or a batch',
  })
  .openapi('PowerCancel')

export const powerCancelled = z.object({ cancelled: z.array(powerRequest) }).openapi('PowerCancelled')
export type PowerCancelled = Given<typeof powerCancelled>

/** The setting of a request, without its password. */
export function settingOf(put: z.output<typeof powerPut>): { setting: PowerSetting; password: string | undefined } {
  if (put.kind === 'wake-on-lan') return { setting: put, password: undefined }
  const { password, ...setting } = put
  return { setting, password }
}
