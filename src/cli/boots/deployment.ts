import { type Command, InvalidArgumentError, Option } from 'commander'
import type { Deployment, DeploymentsArmed, DeploymentsCancelled } from '../../api/schemas/boots/deployment.ts'
import { deploymentStates } from '../../model/deployment.ts'
import type { Condition } from '../../model/selector.ts'
import { machineHelp, readMachine } from '../machines/argument.ts'
import { type AssignmentOptions, addHowOptions } from '../machines/assignment-options.ts'
import { collectConditions } from '../machines/selector.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { formatTime } from '../shell/format.ts'
import { formatTable } from '../shell/table.ts'

type ArmOptions = Pick<AssignmentOptions, 'arg' | 'withoutArg' | 'answerFile' | 'param'> & {
  image: string
  where?: Condition[]
  attempts?: number
  window?: number
  replace?: true
  dryRun?: true
  follow?: true
  force?: true
}
type CancelOptions = { where?: Condition[]; batch?: string; dryRun?: true }

const states = [...deploymentStates, 'active']

/** `bootwright deployment`. */
export function addDeploymentCommand(program: Command, deps: CliDeps): void {
  const deployment = program.command('deployment').description('deployments: install an image on a machine once')

  addHowOptions(
    deployment
      .command('arm')
      .description('install at the next boot, once: until the machine reports, or its attempts are used up')
      .argument('[machine]', machineHelp, readMachine)
      .requiredOption('--image <name>', 'what to install')
      .option(
        '--where <condition>',
        'every machine like this, instead of one (see group set --help)',
        collectConditions,
      ),
  )
    .option('--attempts <n>', 'boots at most (3)', parseCount)
    .option('--window <seconds>', 'time at most, from the first attempt on (86400)', parseCount)
    .option('--replace', 'cancel the deployment that is active')
    .option('--dry-run', 'with --where: only say what would be armed')
    .option('--follow', "the image's version that is current at the boot, not the one that is current now")
    .option(
      '--force',
      'also what would not be served as things are now, or is probably a machine that is installed already',
    )
    .action(async (machine: string | undefined, options: ArmOptions, command: Command) => {
      const { image, where, arg, withoutArg, answerFile, param, attempts, window, replace, dryRun, follow, force } =
        options
      if ((machine === undefined) === (where === undefined))
        command.error('error: a machine or --where is needed, and only one')
      const order = {
        image,
        ...(arg && { args: arg }),
        ...(withoutArg && { withoutArgs: withoutArg }),
        ...(answerFile !== undefined && { answerFile }),
        ...(param && { params: param }),
        ...(attempts !== undefined && { maxAttempts: attempts }),
        ...(window !== undefined && { windowSeconds: window }),
        ...(follow && { follow }),
        ...(force && { force }),
      }
      const client = clientOf(command, deps)
      if (where === undefined) {
        const body = { machine, ...order, ...(replace && { replace }) }
        print(command, deps, await client.ask<Deployment>('POST', '/deployments', body), formatDeployment)
      } else {
        const body = { selector: where, ...order, ...(dryRun && { dryRun }) }
        const done = await client.ask<DeploymentsArmed>('POST', '/deployments/bulk', body)
        print(command, deps, done, (answer) => formatArmed(answer, dryRun ?? false))
      }
    })

  deployment
    .command('list')
    .description('how deployments went, newest first')
    .option('--machine <machine>', 'of this machine: a MAC, UUID or host name', readMachine)
    .addOption(new Option('--state <state>', 'in this state; active: not ended').choices(states))
    .option('--batch <id>', 'armed together, as arm --where said')
    .option('--limit <n>', 'so many at most', parseCount, 20)
    .action(
      async (
        { machine, state, batch, limit }: { machine?: string; state?: string; batch?: string; limit: number },
        command: Command,
      ) => {
        const query = { machine, state, batch }
        const items = await clientOf(command, deps).list<Deployment>('/deployments', query, 'before', limit)
        print(command, deps, { items }, () =>
          formatTable(
            ['ARMED', 'IMAGE', 'STATE', 'ATTEMPTS', 'REASON', 'BY', 'MACHINE', 'VERSION', 'ID'],
            items.map((one) => [
              formatTime(one.createdAt),
              one.image,
              one.state,
              `${one.attempts} of ${one.maxAttempts}`,
              one.reason,
              one.armedBy,
              one.machine ?? one.machineId,
              one.version === undefined ? 'current' : String(one.version),
              one.id,
            ]),
          ),
        )
      },
    )

  deployment
    .command('show')
    .description('one deployment')
    .argument('<id>', 'as listed')
    .action(async (id: string, _options, command: Command) => {
      print(command, deps, await clientOf(command, deps).ask<Deployment>('GET', pathOf(id)), formatDeployment)
    })

  deployment
    .command('cancel')
    .description('end deployments that are active; an installer that runs is not stopped')
    .argument('[id]', 'one, as listed')
    .option('--where <condition>', 'those of every machine like this (see group set --help)', collectConditions)
    .option('--batch <id>', 'those that were armed together, as arm --where said')
    .option('--dry-run', 'only say which would be cancelled, with --where or --batch')
    .action(async (id: string | undefined, { where, batch, dryRun }: CancelOptions, command: Command) => {
      if ([id, where, batch].filter((one) => one !== undefined).length !== 1)
        command.error('error: an id, --where or --batch is needed, and only one')
      const client = clientOf(command, deps)
      if (id !== undefined) {
        const cancelled = await client.ask<Deployment>('POST', `${pathOf(id)}/cancel`)
        return print(command, deps, cancelled, formatDeployment)
      }
      const body = { ...(where && { selector: where }), ...(batch && { batch }), ...(dryRun && { dryRun }) }
      const done = await client.ask<DeploymentsCancelled>('POST', '/deployments/cancel', body)
      print(command, deps, done, ({ cancelled }) => formatCancelled(cancelled, dryRun ?? false))
    })
}

function pathOf(id: string): string {
  return `/deployments/${encodeURIComponent(id)}`
}

function formatDeployment({ id, image, state, attempts, maxAttempts, reason }: Deployment): string {
  return `${id}: ${image} ${state}, ${attempts} of ${maxAttempts} attempts${reason ? `: ${reason}` : ''}`
}

function formatArmed({ batch, armed, skipped }: DeploymentsArmed, dryRun: boolean): string {
  const lines = skipped.map(({ machine, why }) => `skipped ${machine}: ${why}`)
  const done = `${armed.length} machines ${dryRun ? 'would be armed' : 'armed'}, ${skipped.length} skipped`
  const wayBack =
    dryRun || armed.length === 0 ? [] : [`to cancel them all: bootwright deployment cancel --batch ${batch}`]
  return [done, ...lines, ...wayBack].join('\n')
}

function formatCancelled(cancelled: DeploymentsCancelled['cancelled'], dryRun: boolean): string {
  const lines = cancelled.map(({ id, machine }) => `${machine}: ${id}`)
  return [`${cancelled.length} deployments ${dryRun ? 'would be cancelled' : 'cancelled'}`, ...lines].join('\n')
}

function parseCount(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('It is a number from 1 to 9999999.')
  return Number(text)
}
