// Request and response schemas of a deployment.
import { z } from '@hono/zod-openapi'
import { defaultMaxAttempts, defaultWindowSeconds, deploymentStates } from '../../../model/deployment.ts'
import { armedPowers, powerActions, powerStates } from '../../../model/power/power.ts'
import { failure, imageName, limit, machineKey, moment, pageOf, textFlag, uuidv7, version } from '../common.ts'
import type { Given, Sent } from '../json.ts'
import { machineFilter, machineIds } from '../machines/action.ts'
import { checkedArgs, params, selector, thingName, withoutArgs } from '../machines/assignment.ts'
import { concerns } from '../machines/concerns.ts'

/** What to install, and how. Rollouts have it too. */
export const order = {
  image: imageName,
  version: version
    .optional()
    .openapi({ description: 'Install this version of the image. If absent, the version that is current now.' }),
  follow: z.boolean().default(false).openapi({
    description:
      'Install the version that is current when the machine boots, instead of the version that is current now.',
  }),
  force: z.boolean().default(false).openapi({
    description:
      'Also arm machines that would be refused now: a template name has no value, no variant matches, or the identity is uncertain. Also arm machines that are probably installed, or being installed, under another record.',
  }),
  args: checkedArgs.optional().openapi({ description: 'Appended to the args of the machine.' }),
  withoutArgs: withoutArgs.optional(),
  answerFile: thingName.optional().openapi({ description: "Replaces the machine's own answer file." }),
  params: params.optional(),
  maxAttempts: z
    .int('a whole number')
    .min(1, '1 to 100 attempts')
    .max(100, '1 to 100 attempts')
    .default(defaultMaxAttempts)
    .openapi({
      description: 'Maximum number of boots that fetch more than the script. After the last one, the deployment fails.',
    }),
  windowSeconds: z
    .int('a whole number of seconds')
    .min(60, '60 seconds to 30 days')
    .max(2_592_000, '60 seconds to 30 days')
    .default(defaultWindowSeconds)
    .openapi({
      description:
        'Time limit, counted from the first attempt. A deployment that no boot starts within 30 days fails, too.',
    }),
}
/** How armed machines are powered. */
export const armedPower = z.enum(armedPowers).optional().openapi({
  description:
    'After arming: on switches each machine on, cycle sets its next boot to the network, once, and restarts it. Machines that cannot do it are not armed. If it fails later, the deployment stays armed, and its `power` has the reason.',
})
export type DeploymentOrder = z.output<z.ZodObject<typeof order>>

function refuseTwoVersions(given: { version?: number | undefined; follow: boolean }, context: z.RefinementCtx): void {
  if (given.version !== undefined && given.follow)
    context.addIssue({ code: 'custom', path: ['version'], message: 'no version together with follow' })
}

export const deploymentSchema = z
  .object({
    id: uuidv7,
    machineId: uuidv7,
    machine: z.string().optional().openapi({ description: 'The name of the machine. Only in lists.' }),
    image: imageName,
    version: z
      .int()
      .optional()
      .openapi({ description: 'The version of the image to install. If absent, the current version.' }),
    batch: uuidv7.optional().openapi({ description: 'The same for all deployments that were armed together.' }),
    args: z.array(z.string()).optional(),
    withoutArgs: z.array(z.string()).optional(),
    answerFile: z.string().optional(),
    params: params.optional(),
    state: z.enum(deploymentStates),
    attempts: z.int(),
    maxAttempts: z.int(),
    windowSeconds: z.int(),
    reason: z
      .string()
      .optional()
      .openapi({ description: 'Why the deployment failed or was cancelled, or what the machine reported.' }),
    failure: failure.optional(),
    power: z
      .object({ id: uuidv7, action: z.enum(powerActions), state: z.enum(powerStates), message: z.string().optional() })
      .optional()
      .openapi({ description: 'The power request that was made when the deployment was armed.' }),
    armedBy: z.string(),
    createdAt: moment,
    startedAt: moment.optional().openapi({ description: 'The time of the first attempt.' }),
    endedAt: moment.optional(),
  })
  .openapi('Deployment', { description: 'An order to install an image on a machine once.' })
export type Deployment = Given<typeof deploymentSchema>

export const deploymentArmed = deploymentSchema.extend({ concerns }).openapi('DeploymentArmed')
export type DeploymentArmed = Given<typeof deploymentArmed>

export const deploymentList = pageOf(deploymentSchema).openapi('DeploymentList')

export const deploymentsQuery = z.strictObject({
  limit,
  before: uuidv7.optional().openapi({ description: 'The `next` value of the previous page.' }),
  machine: machineKey.optional(),
  image: imageName.optional(),
  state: z
    .enum([...deploymentStates, 'active'])
    .optional()
    .openapi({ description: 'active: armed, started or installing.' }),
  batch: uuidv7
    .optional()
    .openapi({ description: 'Deployments that were armed together: the `batch` of DeploymentsArmed.' }),
  newest: textFlag.openapi({
    description:
      'true: only the newest deployment of each machine in its batch. A machine that was armed again after a failure is listed once.',
  }),
})

export const deploymentArm = z
  .strictObject({
    machine: machineKey,
    ...order,
    power: armedPower,
    replace: z
      .boolean()
      .default(false)
      .openapi({ description: 'Cancel an active deployment first. Without it, an active deployment is a conflict.' }),
    dryRun: z.boolean().default(false).openapi({ description: 'Arm nothing; report what would be armed.' }),
  })
  .superRefine(refuseTwoVersions)
  .openapi('DeploymentArm')
export type DeploymentArm = Sent<typeof deploymentArm>

const expect = z.int().min(0).optional().openapi({
  description:
    'The number of `armed` machines in the preview. If another number would be armed, none is, and the answer is a conflict (409).',
})

const armedMachine = z.object({ id: uuidv7, machineId: uuidv7, machine: z.string() })

export const deploymentsArm = z
  .strictObject({
    selector: selector.min(1, 'at least one condition').optional(),
    ids: machineIds.optional(),
    filter: machineFilter.optional(),
    othersOf: uuidv7.optional().openapi({
      description:
        'Instead of a selector: the machines that the `share` of this batch left out, and that no deployment was armed for since.',
    }),
    share: z.int('a whole number').min(1, '1 to 100 percent').max(100, '1 to 100 percent').optional().openapi({
      description:
        'Arm only this share of the machines, in percent, and at least one. A larger share of the same machines contains the smaller one.',
    }),
    exceptBatch: uuidv7.optional().openapi({
      description: 'Leave out machines that have a deployment of this batch: after a share, arm the others.',
    }),
    ...order,
    power: armedPower,
    dryRun: z.boolean().default(false).openapi({ description: 'Arm nothing; report what would be armed.' }),
    expect,
  })
  .superRefine(({ selector, ids, filter, othersOf }, context) => {
    if ([selector, ids, filter, othersOf].filter((given) => given !== undefined).length !== 1)
      context.addIssue({
        code: 'custom',
        path: ['selector'],
        message: 'exactly one of selector, ids, filter and othersOf',
      })
    if (filter !== undefined && Object.values(filter).every((value) => value === undefined))
      context.addIssue({ code: 'custom', path: ['filter'], message: 'at least one parameter' })
  })
  .superRefine(refuseTwoVersions)
  .openapi('DeploymentsArm')
export type DeploymentsArm = Sent<typeof deploymentsArm>

export const deploymentsArmed = z
  .object({
    batch: uuidv7.openapi({
      description: 'Shared by all deployments of this request. POST deployments/cancel takes it.',
    }),
    armed: z.array(armedMachine),
    skipped: z.array(z.object({ machineId: uuidv7, machine: z.string(), why: z.string() })),
    concerns,
  })
  .openapi('DeploymentsArmed')
export type DeploymentsArmed = Given<typeof deploymentsArmed>

export const deploymentsCancel = z
  .strictObject({
    selector: selector.min(1, 'at least one condition').optional(),
    batch: uuidv7.optional(),
    dryRun: z.boolean().default(false).openapi({ description: 'Cancel nothing; report what would be cancelled.' }),
  })
  .refine((body) => (body.selector === undefined) !== (body.batch === undefined), {
    path: ['batch'],
    message: 'either a batch or a selector',
  })
  .openapi('DeploymentsCancel')

export const deploymentsCancelled = z
  .object({ cancelled: z.array(armedMachine), concerns })
  .openapi('DeploymentsCancelled')
export type DeploymentsCancelled = Given<typeof deploymentsCancelled>

export const batchSchema = z
  .object({
    batch: uuidv7,
    image: imageName,
    version: z.int().optional(),
    armedBy: z.string(),
    createdAt: moment,
    machines: z.int(),
    states: z
      .object(
        Object.fromEntries(deploymentStates.map((state) => [state, z.int().optional()])) as Record<
          (typeof deploymentStates)[number],
          z.ZodOptional<z.ZodInt>
        >,
      )
      .openapi({ description: 'The number of machines by the state of their newest deployment in the batch.' }),
    others: z.int().optional().openapi({
      description:
        'The number of machines that the `share` of the batch left out, and that no deployment was armed for since. Not in lists.',
    }),
  })
  .openapi('DeploymentBatch', { description: 'Deployments that were armed together.' })
export type DeploymentBatch = Given<typeof batchSchema>

export const batchList = pageOf(batchSchema).openapi('DeploymentBatchList')

export const batchesQuery = z.strictObject({
  limit,
  before: uuidv7.optional().openapi({ description: 'The `next` value of the previous page.' }),
})

export const batchRetry = z
  .strictObject({
    force: order.force,
    power: armedPower,
    dryRun: z.boolean().default(false).openapi({ description: 'Arm nothing; report what would be armed.' }),
    expect,
  })
  .openapi('DeploymentBatchRetry')
