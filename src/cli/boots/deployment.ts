// `bootwright deployment`.
import { type Command, Option } from 'commander'
import type {
  Deployment,
  DeploymentArmed,
  DeploymentBatch,
  DeploymentsArmed,
  DeploymentsCancelled,
} from '../../api/schemas/boots/deployment.ts'
import { deploymentStates } from '../../model/deployment.ts'
import { formatImageRef, type ImageRef } from '../../model/image.ts'
import type { Condition } from '../../model/selector.ts'
import { machineHelp, readMachine } from '../machines/argument.ts'
import { type AssignmentOptions, addHowOptions, readImageRef } from '../machines/assignment-options.ts'
import { countedPath, printConcerns } from '../machines/concerns.ts'
import { collectConditions } from '../machines/selector.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { formatTime, withFailure } from '../shell/format.ts'
import { parseCount } from '../shell/numbers.ts'
import { pathOf } from '../shell/path.ts'
import { formatTable } from '../shell/table.ts'
import { type PowerOptions, powerCycleOption, powerOf, powerOnOption } from './power-options.ts'

type ArmOptions = PowerOptions &
  Pick<AssignmentOptions, 'arg' | 'withoutArg' | 'answerFile' | 'param'> & {
    image: ImageRef
    where?: Condition[]
    attempts?: number
    window?: number
    replace?: true
    dryRun?: true
    follow?: true
    imageVersion?: number
    force?: true
    share?: number
    exceptBatch?: string
    othersOf?: string
  }
type RetryOptions = PowerOptions & { force?: true; dryRun?: true }
type CancelOptions = { where?: Condition[]; batch?: string; dryRun?: true }

const states = [...deploymentStates, 'active']

/** `bootwright deployment`. */
export function addDeploymentCommand(program: Command, deps: CliDeps): void {
  const deployment = program.command('deployment').description('install an image on a machine once')

  addHowOptions(
    deployment
      .command('arm')
      .description(
        'arm a deployment: install once, at the next boot, until the machine reports or the attempts are used up',
      )
      .argument('[machine]', machineHelp, readMachine)
      .requiredOption('--image <name[@version]>', 'image to install; with @version, this version', readImageRef)
      .option(
        '--where <condition>',
        'condition for the machines, instead of one machine (see group set --help)',
        collectConditions,
      ),
  )
    .option('--attempts <n>', 'maximum number of boots (default: 3)', parseCount)
    .option('--window <seconds>', 'time limit in seconds, from the first attempt on (default: 86400)', parseCount)
    .option('--replace', 'cancel the active deployment first')
    .option('--share <percent>', 'with --where: arm only this share of the machines', parseCount)
    .option('--except-batch <id>', 'with --where: leave out the machines of this batch, after a --share')
    .option('--others-of <id>', 'instead of --where: the machines that the --share of this batch left out')
    .option('--dry-run', 'only show what would be armed, and how many machines it concerns')
    .option('--image-version <n>', 'install this version of the image, not the one that is current now', parseCount)
    .option('--follow', 'install the version that is current at the boot, not the one that is current now')
    .addOption(powerOnOption())
    .addOption(powerCycleOption())
    .option('--force', 'also arm machines that would be refused now, or that are probably installed already')
    .action(async (machine: string | undefined, options: ArmOptions, command: Command) => {
      const { image, where, arg, withoutArg, answerFile, param, attempts, window, replace, dryRun, follow, force } =
        options
      const { share, exceptBatch, othersOf, imageVersion } = options
      if ([machine, where, othersOf].filter((choice) => choice !== undefined).length !== 1)
        command.error('error: expected one of: a machine, --where, --others-of')
      if (image.version !== undefined && (imageVersion !== undefined || follow))
        command.error('error: expected only one of --image NAME@VERSION, --image-version and --follow')
      const order = {
        ...image,
        ...(imageVersion !== undefined && { version: imageVersion }),
        ...(arg && { args: arg }),
        ...(withoutArg && { withoutArgs: withoutArg }),
        ...(answerFile !== undefined && { answerFile }),
        ...(param && { params: param }),
        ...(attempts !== undefined && { maxAttempts: attempts }),
        ...(window !== undefined && { windowSeconds: window }),
        ...(follow && { follow }),
        ...(force && { force }),
        ...powerOf(options),
      }
      const client = clientOf(command, deps)
      if (machine !== undefined) {
        const body = { machine, ...order, ...(replace && { replace }), ...(dryRun && { dryRun }) }
        const armed = await client.ask<DeploymentArmed>('POST', '/deployments', body)
        print(command, deps, armed, (answer) => (dryRun ? formatDry(answer) : formatDeployment(answer)))
        printConcerns(deps, armed.concerns)
      } else {
        const body = { selector: where, othersOf, ...order, share, exceptBatch, ...(dryRun && { dryRun }) }
        const done = await client.ask<DeploymentsArmed>('POST', '/deployments/bulk', body)
        print(command, deps, done, (answer) => formatArmed(answer, dryRun ?? false))
        printConcerns(deps, done.concerns)
      }
    })

  deployment
    .command('list')
    .description('list deployments, newest first')
    .option('--machine <machine>', 'MAC, UUID or host name of the machine', readMachine)
    .addOption(new Option('--state <state>', 'state of the deployments; active: not ended').choices(states))
    .option('--batch <id>', 'batch that arm --where printed')
    .option('--limit <n>', 'maximum number of results', parseCount, 20)
    .action(
      async (
        { machine, state, batch, limit }: { machine?: string; state?: string; batch?: string; limit: number },
        command: Command,
      ) => {
        const query = { machine, state, batch }
        const items = await clientOf(command, deps).list<Deployment>('/deployments', query, 'before', limit)
        print(command, deps, { items }, () =>
          formatTable(
            ['CREATED', 'IMAGE', 'STATE', 'ATTEMPTS', 'REASON', 'BY', 'MACHINE', 'VERSION', 'ID'],
            items.map((row) => [
              formatTime(row.createdAt),
              row.image,
              row.state,
              `${row.attempts} of ${row.maxAttempts}`,
              withFailure(row.reason, row.failure),
              row.armedBy,
              row.machine ?? row.machineId,
              row.version === undefined ? 'current' : String(row.version),
              row.id,
            ]),
          ),
        )
      },
    )

  deployment
    .command('show')
    .description('show a deployment')
    .argument('<id>', 'id of the deployment, as listed')
    .action(async (id: string, _options, command: Command) => {
      print(
        command,
        deps,
        await clientOf(command, deps).ask<Deployment>('GET', pathOf('deployments', id)),
        formatDeployment,
      )
    })

  deployment
    .command('batches')
    .description('list batches of deployments, newest first')
    .option('--limit <n>', 'maximum number of results', parseCount, 20)
    .action(async ({ limit }: { limit: number }, command: Command) => {
      const items = await clientOf(command, deps).list<DeploymentBatch>('/deployments/batches', {}, 'before', limit)
      print(command, deps, { items }, () =>
        formatTable(
          ['CREATED', 'IMAGE', 'MACHINES', 'STATES', 'BY', 'BATCH'],
          items.map((row) => [
            formatTime(row.createdAt),
            row.image,
            String(row.machines),
            formatStates(row.states),
            row.armedBy,
            row.batch,
          ]),
        ),
      )
    })

  deployment
    .command('retry')
    .description('arm the failed deployments of a batch again')
    .argument('<batch>', 'batch that arm --where printed')
    .addOption(powerOnOption())
    .addOption(powerCycleOption())
    .option('--force', 'also arm machines that would be refused now')
    .option('--dry-run', 'only show what would be armed, and how many machines it concerns')
    .action(async (batch: string, { force, dryRun, ...powered }: RetryOptions, command: Command) => {
      const body = { ...(force && { force }), ...(dryRun && { dryRun }), ...powerOf(powered) }
      const path = pathOf('deployments', 'batches', batch, 'retry')
      const done = await clientOf(command, deps).ask<DeploymentsArmed>('POST', path, body)
      print(command, deps, done, (answer) => formatArmed(answer, dryRun ?? false))
      printConcerns(deps, done.concerns)
    })

  deployment
    .command('cancel')
    .description('cancel active deployments; running installers are not stopped')
    .argument('[id]', 'id of the deployment')
    .option('--where <condition>', 'condition for the machines (see group set --help)', collectConditions)
    .option('--batch <id>', 'batch that arm --where printed')
    .option('--dry-run', 'only show what would be cancelled, and how many machines it concerns')
    .action(async (id: string | undefined, { where, batch, dryRun }: CancelOptions, command: Command) => {
      if ([id, where, batch].filter((selection) => selection !== undefined).length !== 1)
        command.error('error: expected exactly one of an id, --where and --batch')
      const client = clientOf(command, deps)
      if (id !== undefined) {
        const path = countedPath(pathOf('deployments', id, 'cancel'), dryRun)
        const cancelled = await client.ask<DeploymentArmed>('POST', path)
        print(command, deps, cancelled, formatDeployment)
        return printConcerns(deps, cancelled.concerns)
      }
      const body = { ...(where && { selector: where }), ...(batch && { batch }), ...(dryRun && { dryRun }) }
      const done = await client.ask<DeploymentsCancelled>('POST', '/deployments/cancel', body)
      print(command, deps, done, ({ cancelled }) => formatCancelled(cancelled, dryRun ?? false))
      printConcerns(deps, done.concerns)
    })
}

function formatDeployment(deployment: Deployment): string {
  const { id, image, state, attempts, maxAttempts, power } = deployment
  const reason = withFailure(deployment.reason, deployment.failure)
  const powered = power && `; power ${power.action} ${power.state}${power.message ? `: ${power.message}` : ''}`
  return `${id}: ${image} ${state}, ${attempts} of ${maxAttempts} attempts${reason ? `: ${reason}` : ''}${powered ?? ''}`
}

function formatDry({ image, version }: Deployment): string {
  return `${formatImageRef({ image, version })} would be armed`
}

function formatStates(states: DeploymentBatch['states']): string {
  return Object.entries(states)
    .map(([state, count]) => `${count} ${state}`)
    .join(', ')
}

function formatArmed({ batch, armed, skipped }: DeploymentsArmed, dryRun: boolean): string {
  const lines = skipped.map(({ machine, why }) => `skipped ${machine}: ${why}`)
  const done = `${armed.length} machines ${dryRun ? 'would be armed' : 'armed'}, ${skipped.length} skipped`
  const cancelHint =
    dryRun || armed.length === 0 ? [] : [`to cancel them all: bootwright deployment cancel --batch ${batch}`]
  return [done, ...lines, ...cancelHint].join('\n')
}

function formatCancelled(cancelled: DeploymentsCancelled['cancelled'], dryRun: boolean): string {
  const lines = cancelled.map(({ id, machine }) => `${machine}: ${id}`)
  return [`${cancelled.length} deployments ${dryRun ? 'would be cancelled' : 'cancelled'}`, ...lines].join('\n')
}
