import { z } from '@hono/zod-openapi'
import { NotFoundError } from '../errors.ts'
import {
  armDeployment,
  armDeployments,
  cancelDeployment,
  type Deployment,
  defaultMaxAttempts,
  defaultWindowSeconds,
  deploymentStates,
  findDeployment,
  listDeployments,
} from '../inventory/deployments.ts'
import { findMachine } from '../inventory/machines.ts'
import { checkedArgs, params as paramsSchema, selector, thingName, withoutArgs } from './assignments.ts'
import { endpoint } from './endpoint.ts'
import { requireMachine } from './machines.ts'
import { imageName, limit, machineKey, moment, page, pageOf, uuidv7, withoutNulls } from './schemas.ts'

const order = {
  image: imageName,
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
    .openapi({ description: 'From the first attempt on; then it has failed.' }),
}

const deploymentSchema = z
  .object({
    id: uuidv7,
    machineId: uuidv7,
    image: imageName,
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
  }),
  returns: pageOf(deploymentSchema).openapi('DeploymentList'),
  statuses: { 200: 'One page' },
  answer: async ({ db }, { query: { limit: most, before, machine: key, image, state } }) => {
    const machineId = key === undefined ? undefined : (await findMachine(db, key))?.id
    if (key !== undefined && machineId === undefined) return { status: 200, body: { items: [] } }
    const { items, ...next } = await page(
      most,
      (count) => listDeployments(db, { machineId, image, state }, count, before),
      (one) => one.id,
    )
    return { status: 200, body: { items: items.map(bodyOf), ...next } }
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
    'The image is served until the machine reports installed or failed, at most maxAttempts times within the window. Fetching scripts and files moves nothing.',
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
  answer: async ({ db }, { body, by }) => {
    const machine = await requireMachine(db, body.machine)
    const armed = await armDeployment(db, machine.id, orderOf(body), body.replace, by)
    return { status: 201, body: bodyOf(armed), headers: { location: `/api/v1/deployments/${armed.id}` } }
  },
})

export const armMany = endpoint({
  operationId: 'armDeployments',
  summary: 'Install an image on every machine that a selector fits, once',
  description:
    'As the machines are known now. Those that are denied or being installed already are skipped, and named.',
  body: z
    .strictObject({
      selector: selector.min(1, 'at least one condition'),
      ...order,
      dryRun: z.boolean().default(false).openapi({ description: 'Only say what would be armed.' }),
    })
    .openapi('DeploymentsArm'),
  returns: z
    .object({
      armed: z.array(z.object({ id: uuidv7, machineId: uuidv7 })),
      skipped: z.array(z.object({ machineId: uuidv7, why: z.string() })),
    })
    .openapi('DeploymentsArmed'),
  statuses: { 200: 'What was armed' },
  answer: async ({ db }, { body, by }) => ({
    status: 200,
    body: await armDeployments(db, body.selector, orderOf(body), body.dryRun, by),
  }),
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
  args,
  withoutArgs: patterns,
  answerFile,
  params: values,
  maxAttempts,
  windowSeconds,
}: z.output<z.ZodObject<typeof order>>) {
  return { image, assignment: { args, withoutArgs: patterns, answerFile, params: values }, maxAttempts, windowSeconds }
}

function bodyOf({ assignment, ...deployment }: Deployment) {
  const { args, withoutArgs: patterns, answerFile, params: values } = assignment
  return {
    ...withoutNulls(deployment),
    ...(args && { args }),
    ...(patterns && { withoutArgs: patterns }),
    ...(answerFile !== undefined && { answerFile }),
    ...(values && { params: values }),
  }
}
