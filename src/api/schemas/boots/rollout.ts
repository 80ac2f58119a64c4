// Request and response schemas of a rollout.
import { z } from '@hono/zod-openapi'
import {
  defaultBound,
  defaultPatienceSeconds,
  defaultShares,
  defaultUntilPercent,
  maxRolloutMachines,
  rolloutActions,
  rolloutMachineStates,
  rolloutStates,
} from '../../../model/rollout/rollout.ts'
import { wholeShares } from '../../../model/rollout/waves.ts'
import { isTimeZone, parseTimes } from '../../../model/rollout/window.ts'
import { imageName, limit, moment, pageOf, refuse, uuidv7, version } from '../common.ts'
import type { Given, Sent } from '../json.ts'
import { machineFilter, machineIds } from '../machines/action.ts'
import { everyBoot, params, selector } from '../machines/assignment.ts'
import { armedPower, order as deploymentOrder } from './deployment.ts'

const percent = z.int('a whole percentage').min(1, '1 to 100 percent').max(100, '1 to 100 percent')
const time = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'a time of day, 22:00')
  .openapi({ example: '22:00' })

const between = z
  .strictObject({
    from: time,
    to: time,
    zone: z.string().refine(isTimeZone, 'a time zone by its name, Europe/Berlin').openapi({ example: 'Europe/Berlin' }),
  })
  .refine(({ from, to }) => parseTimes(`${from}-${to}`) !== undefined, {
    path: ['to'],
    message: 'another time than from',
  })
  .openapi('MaintenanceWindow', {
    description:
      'The times of day at which machines may begin, on a wall clock in a time zone. The window may pass midnight. When it closes, machines that have not begun are taken back.',
  })

const bound = z
  .union(
    [
      z.strictObject({ percent: z.int().min(0).max(100) }),
      z.strictObject({ count: z.int().min(0).max(maxRolloutMachines) }),
    ],
    { error: '{"percent": 5} or {"count": 3}' },
  )
  .openapi('FailureBound', {
    description:
      'The rollout stops if more machines fail: a number of machines, or a percentage of the machines of the waves that began.',
  })

const { follow: _, force, maxAttempts, windowSeconds, ...how } = deploymentOrder
const order = {
  action: z.enum(rolloutActions).openapi({
    description:
      'deploy: install the image once, at the next boot, which wipes the disk. assign: boot the image from now on.',
  }),
  ...how,
  everyBoot: everyBoot.optional(),
  force: force.openapi({ description: 'Of deploy: also arm machines that would be refused now.' }),
  power: armedPower.openapi({
    description:
      'Of deploy: the armed machines are switched on, or restarted into a network boot, some at a time. Machines that cannot do it are skipped. If it fails, the machine stays armed. Waiting requests end when the rollout is paused or its window closes.',
  }),
  maxAttempts,
  windowSeconds,
}
export type RolloutOrderBody = z.output<z.ZodObject<typeof order>>

const shares = z
  .array(percent)
  .min(1, 'at least one share')
  .max(20, 'at most 20 waves')
  .transform((given, context) => wholeShares(given) ?? refuse(context, 'shares that rise, 5, 25, 100'))
  .default(defaultShares)
  .openapi({
    type: 'array',
    items: { type: 'integer', minimum: 1, maximum: 100 },
    default: defaultShares,
    description:
      'The waves: the share of all machines, in percent, that each wave reaches together with the earlier waves. If the last is not 100, a last wave reaches all machines. The place of a machine is stable, so a larger share contains the smaller one.',
  })

export const rolloutStart = z
  .strictObject({
    selector: selector.min(1, 'at least one condition').optional(),
    ids: machineIds.optional(),
    filter: machineFilter.optional(),
    ...order,
    shares,
    until: percent.default(defaultUntilPercent).openapi({
      description:
        'The percentage of the machines of a wave that must succeed before the next wave begins. Skipped machines do not count. Machines that never booted count as waiting.',
    }),
    approve: z.boolean().default(false).openapi({
      description: 'Each wave waits for a person instead of its success rate.',
    }),
    maxFailed: bound.default(defaultBound),
    patienceSeconds: z
      .int('a whole number of seconds')
      .min(60, '60 seconds to 30 days')
      .max(2_592_000, '60 seconds to 30 days')
      .default(defaultPatienceSeconds)
      .openapi({ description: 'A machine that began and does not end within this time counts as failed.' }),
    between: between.optional(),
    dryRun: z.boolean().default(false).openapi({ description: 'Create nothing; report the machines of each wave.' }),
    expect: z.int().min(0).optional().openapi({
      description:
        'The number of `machines` in the preview. If the rollout would have another number, it is not created, and the answer is a conflict (409).',
    }),
  })
  .superRefine(({ selector, ids, filter, action, everyBoot, power }, context) => {
    const fault = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    if ([selector, ids, filter].filter((given) => given !== undefined).length !== 1)
      fault('selector', 'exactly one of selector, ids and filter')
    if (filter !== undefined && Object.values(filter).every((value) => value === undefined))
      fault('filter', 'at least one parameter')
    if (action === 'deploy' && everyBoot) fault('everyBoot', 'no everyBoot together with deploy')
    if (action === 'assign' && power !== undefined) fault('power', 'no power together with assign')
  })
  .openapi('RolloutStart')
export type RolloutStart = Sent<typeof rolloutStart>

const states = z
  .object(
    Object.fromEntries(rolloutMachineStates.map((state) => [state, z.int().optional()])) as Record<
      (typeof rolloutMachineStates)[number],
      z.ZodOptional<z.ZodInt>
    >,
  )
  .openapi('RolloutMachineStates', {
    description: 'The number of machines by their states. States without machines are absent.',
  })

const waitsFor = z
  .object({
    what: z.enum(['machines', 'window', 'person']),
    text: z.string().openapi({ example: 'Wave 1 of 3 waits for 95 %: 40 of 50 machines succeeded.' }),
    until: moment.optional().openapi({ description: 'When the maintenance window opens.' }),
  })
  .openapi('RolloutWait')

export const rolloutSchema = z
  .object({
    id: uuidv7.openapi({ description: 'Also the batch of the deployments.' }),
    action: z.enum(rolloutActions),
    image: imageName,
    version,
    args: z.array(z.string()).optional(),
    withoutArgs: z.array(z.string()).optional(),
    answerFile: z.string().optional(),
    params: params.optional(),
    everyBoot: z.boolean().optional(),
    force: z.boolean(),
    power: armedPower,
    maxAttempts: z.int(),
    windowSeconds: z.int(),
    waves: z.array(
      z.object({
        share: z.int(),
        until: z.int().optional().openapi({ description: 'Percent. Absent: the wave waits for a person.' }),
        machines: z.int(),
        states,
      }),
    ),
    maxFailed: bound,
    patienceSeconds: z.int(),
    between: between.optional(),
    selector: selector
      .optional()
      .openapi({ description: 'The conditions that chose the machines when the rollout began.' }),
    state: z.enum(rolloutStates),
    wave: z.int().openapi({ description: 'The current wave, from 1 on.' }),
    waitsFor: waitsFor.optional(),
    reason: z.string().optional().openapi({ description: 'Why the rollout stopped.' }),
    machines: z.int(),
    states,
    createdBy: z.string(),
    createdAt: moment,
    updatedAt: moment,
    endedAt: moment.optional(),
  })
  .openapi('Rollout', { description: 'An order that certain machines get an image version, in waves.' })
export type Rollout = Given<typeof rolloutSchema>

export const rolloutStarted = z
  .object({
    rollout: rolloutSchema.optional().openapi({ description: 'Absent in a preview.' }),
    version,
    machines: z.int(),
    waves: z.array(z.object({ share: z.int(), machines: z.int() })),
    checked: z.int().openapi({
      description:
        'In a preview, the number of machines that were checked: the first of the order in which they begin.',
    }),
    skipped: z
      .array(z.object({ machineId: uuidv7, machine: z.string(), why: z.string() }))
      .openapi({ description: 'The checked machines that would be skipped now.' }),
  })
  .openapi('RolloutStarted')
export type RolloutStarted = Given<typeof rolloutStarted>

export const rolloutList = pageOf(rolloutSchema).openapi('RolloutList')
export type RolloutList = Given<typeof rolloutList>

export const rolloutsQuery = z.strictObject({
  limit,
  before: uuidv7.optional().openapi({ description: 'The `next` value of the previous page.' }),
  state: z
    .enum([...rolloutStates, 'open'])
    .optional()
    .openapi({ description: 'open: running, paused or stopped.' }),
})
