import { z } from '@hono/zod-openapi'
import { cancelDeployments } from '../../inventory/boots/deployment-cancels.ts'
import {
  armDeployment,
  armDeployments,
  cancelDeployment,
  type Deployment,
  findDeployment,
  findSelected,
  listDeployments,
} from '../../inventory/boots/deployments.ts'
import { findMachine } from '../../inventory/machines/machines.ts'
import { namesOfMachines } from '../../inventory/machines/names.ts'
import { refuseUnknownNames } from '../../inventory/machines/references.ts'
import { ConflictError, NotFoundError } from '../../lib/errors.ts'
import { defaultMaxAttempts, defaultWindowSeconds, deploymentStates } from '../../model/deployment.ts'
import { nameOf } from '../../model/machine.ts'
import { endpoint } from '../http/endpoint.ts'
import { requireMachine } from '../machines/machines.ts'
import { imageName, limit, machineKey, moment, page, pageOf, uuidv7, withoutNulls } from '../schemas/common.ts'
import {
  checkedArgs,
  params as paramsSchema,
  selector,
  thingName,
  withoutArgs,
} from '../schemas/machines/assignment.ts'
import { findRefusals, type Refusals } from './arming.ts'

const order = {
  image: imageName,
  follow: z.boolean().default(false).openapi({
    description: "Install the image's version that is current when the machine boots, not the one that is current now.",
  }),
  force: z.boolean().default(false).openapi({
    description:
      'Arm also what would not be served as things are now (a name that is not set, no variant that fits, an uncertain identity), and what is probably a machine that a deployment installs or installed.',
  }),
  args: checkedArgs.optional().openapi({ description: 'After those of the machine.' }),
  withoutArgs: withoutArgs.optional(),
  answerFile: thingName.optional().openapi({ description: "Instead of the machine's own." }),
  params: paramsSchema.optional(),
  maxAttempts: z
    .int('a whole number')
    .min(1, '1 to 100 attempts')
    .max(100, '1 to 100 attempts')
    .default(defaultMaxAttempts)
    .openapi({ description: 'Boots that go past their script; then it has failed.' }),
  windowSeconds: z
    .int('a whole number of seconds')
    .min(60, '60 seconds to 30 days')
    .max(2_592_000, '60 seconds to 30 days')
    .default(defaultWindowSeconds)
    .openapi({
      description:
        'From the first attempt on; then it has failed. One that no boot began within 30 days has failed, too.',
    }),
}

const deploymentSchema = z
  .object({
    id: uuidv7,
    machineId: uuidv7,
    machine: z.string().optional().openapi({ description: "The machine's name; in the list." }),
    image: imageName,
    version: z
      .int()
      .optional()
      .openapi({ description: "The image's version that it installs; absent: the current one." }),
    batch: uuidv7.optional().openapi({ description: 'What was armed together has the same.' }),
    args: z.array(z.string()).optional(),
    withoutArgs: z.array(z.string()).optional(),
    answerFile: z.string().optional(),
    params: paramsSchema.optional(),
    state: z.enum(deploymentStates),
    attempts: z.int(),
    maxAttempts: z.int(),
    windowSeconds: z.int(),
    reason: z.string().optional().openapi({ description: 'Why it failed or was cancelled, or what the machine said.' }),
    armedBy: z.string(),
    createdAt: moment,
    startedAt: moment.optional().openapi({ description: 'The first attempt.' }),
    endedAt: moment.optional(),
  })
  .openapi('Deployment', { description: 'Install this image on this machine once.' })

const params = z.object({ id: uuidv7 })

export const list = endpoint({
  operationId: 'listDeployments',
  summary: 'Deployments, newest first',
  query: z.strictObject({
    limit,
    before: uuidv7.optional().openapi({ description: 'The `next` of the page before.' }),
    machine: machineKey.optional(),
    image: imageName.optional(),
    state: z
      .enum([...deploymentStates, 'active'])
      .optional()
      .openapi({ description: 'active: armed, started or installing.' }),
    batch: uuidv7.optional().openapi({ description: 'Armed together, as DeploymentsArmed says.' }),
  }),
  returns: pageOf(deploymentSchema).openapi('DeploymentList'),
  statuses: { 200: 'One page' },
  answer: async ({ db }, { query: { limit: most, before, machine: key, image, state, batch } }) => {
    const machineId = key === undefined ? undefined : (await findMachine(db, key))?.id
    if (key !== undefined && machineId === undefined) return { status: 200, body: { items: [] } }
    const { items, ...next } = await page(
      most,
      (count) => listDeployments(db, { machineId, image, state, batch }, count, before),
      (one) => one.id,
    )
    const ids = items.map((one) => one.machineId)
    const names = await namesOfMachines(db, ids)
    const bodies = items.map((one) => ({ ...bodyOf(one), machine: names.get(one.machineId) ?? one.machineId }))
    return { status: 200, body: { items: bodies, ...next } }
  },
})

export const get = endpoint({
  operationId: 'getDeployment',
  summary: 'A deployment',
  params,
  returns: deploymentSchema,
  statuses: { 200: 'The deployment' },
  answer: async ({ db }, { params: { id } }) => {
    const found = await findDeployment(db, id)
    if (found === undefined) throw new NotFoundError(`there is no deployment ${id}`)
    return { status: 200, body: bodyOf(found) }
  },
})

export const arm = endpoint({
  operationId: 'armDeployment',
  summary: 'Install an image on a machine at its next boot, once',
  description:
    'The image is served until the machine reports installed or failed, at most maxAttempts times within the window. Fetching scripts and files moves nothing. A machine that would not be served it as things are now is a conflict, unless force is true; so is one that is probably a machine that a deployment installs or installed.',
  body: z
    .strictObject({
      machine: machineKey,
      ...order,
      replace: z
        .boolean()
        .default(false)
        .openapi({ description: 'Cancel one that is active; else that is a conflict.' }),
    })
    .openapi('DeploymentArm'),
  returns: deploymentSchema,
  statuses: { 201: 'It is armed' },
  prepare: async (deps, { body }) => {
    const machine = await requireMachine(deps.db, body.machine)
    return body.force ? new Map() : findRefusals(deps, [machine], orderOf(body))
  },
  answer: async ({ db }, { body, by, prepared }) => {
    const machine = await requireMachine(db, body.machine)
    await refuseUnknownNames(db, { image: body.image, answerFile: body.answerFile }, '')
    const why = (prepared as Refusals).get(machine.id)
    if (why !== undefined)
      throw new ConflictError(
        `machine ${nameOf(machine)} is not armed with ${body.image}: ${why}; to arm it all the same: force (--force)`,
      )
    const armed = await armDeployment(db, machine.id, orderOf(body), body.replace, by)
    return { status: 201, body: bodyOf(armed), headers: { location: `/api/v1/deployments/${armed.id}` } }
  },
})

export const armMany = endpoint({
  operationId: 'armDeployments',
  summary: 'Install an image on every machine that a selector fits, once',
  description:
    'As the machines are known now. Those that are denied, that are being installed already, or that would not be served it or are probably the same machine as another (unless force is true) are skipped, and named with the reason.',
  body: z
    .strictObject({
      selector: selector.min(1, 'at least one condition'),
      ...order,
      dryRun: z.boolean().default(false).openapi({ description: 'Only say what would be armed.' }),
    })
    .openapi('DeploymentsArm'),
  returns: z
    .object({
      batch: uuidv7.openapi({ description: 'All that were armed have it; deployments/cancel takes it back.' }),
      armed: z.array(z.object({ id: uuidv7, machineId: uuidv7, machine: z.string() })),
      skipped: z.array(z.object({ machineId: uuidv7, machine: z.string(), why: z.string() })),
    })
    .openapi('DeploymentsArmed'),
  statuses: { 200: 'What was armed' },
  prepare: async (deps, { body }) =>
    body.force ? new Map() : findRefusals(deps, await findSelected(deps.db, body.selector), orderOf(body)),
  answer: async ({ db }, { body, by, prepared }) => ({
    status: 200,
    body: await armDeployments(db, body.selector, orderOf(body), body.dryRun, by, prepared as Refusals),
  }),
})

export const cancelMany = endpoint({
  operationId: 'cancelDeployments',
  summary: 'Cancel the active deployments that were armed together, or of every machine that a selector fits',
  description: 'The machines go back to their own assignments. Installers that run are not stopped.',
  body: z
    .strictObject({
      selector: selector.min(1, 'at least one condition').optional(),
      batch: uuidv7.optional(),
      dryRun: z.boolean().default(false).openapi({ description: 'Only say what would be cancelled.' }),
    })
    .refine((body) => (body.selector === undefined) !== (body.batch === undefined), {
      path: ['batch'],
      message: 'either a batch or a selector',
    })
    .openapi('DeploymentsCancel'),
  returns: z
    .object({ cancelled: z.array(z.object({ id: uuidv7, machineId: uuidv7, machine: z.string() })) })
    .openapi('DeploymentsCancelled'),
  statuses: { 200: 'What was cancelled' },
  answer: async ({ db }, { body: { selector: conditions, batch, dryRun }, by }) => {
    const which = batch === undefined ? { selector: conditions ?? [] } : { batch }
    return { status: 200, body: { cancelled: await cancelDeployments(db, which, dryRun, by) } }
  },
})

export const cancel = endpoint({
  operationId: 'cancelDeployment',
  summary: 'Cancel a deployment that is active',
  description: 'The machine goes back to its own assignment. An installer that runs is not stopped.',
  params,
  returns: deploymentSchema,
  statuses: { 200: 'It is cancelled' },
  answer: async ({ db }, { params: { id }, by }) => ({ status: 200, body: bodyOf(await cancelDeployment(db, id, by)) }),
})

function orderOf({
  image,
  follow,
  args,
  withoutArgs: patterns,
  answerFile,
  params: values,
  maxAttempts,
  windowSeconds,
}: z.output<z.ZodObject<typeof order>>) {
  return {
    image,
    follow,
    assignment: { args, withoutArgs: patterns, answerFile, params: values },
    maxAttempts,
    windowSeconds,
  }
}

function bodyOf({ assignment, seq: _, ...deployment }: Deployment) {
  const { args, withoutArgs: patterns, answerFile, params: values } = assignment
  return {
    ...withoutNulls(deployment),
    ...(args && { args }),
    ...(patterns && { withoutArgs: patterns }),
    ...(answerFile !== undefined && { answerFile }),
    ...(values && { params: values }),
  }
}
