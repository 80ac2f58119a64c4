// `bootwright rollout`.
import { type Command, Option } from 'commander'
import type { Rollout, RolloutStarted } from '../../api/schemas/boots/rollout.ts'
import type { RolloutControlled } from '../../api/schemas/boots/rollout-actions.ts'
import type { RolloutMachine } from '../../api/schemas/boots/rollout-machine.ts'
import type { Machine } from '../../api/schemas/machines/machine.ts'
import type { ImageRef } from '../../model/image.ts'
import { rolloutMachineStates, rolloutStates } from '../../model/rollout/rollout.ts'
import type { Condition } from '../../model/selector.ts'
import { machineInPath, readMachine } from '../machines/argument.ts'
import { type AssignmentOptions, addHowOptions, everyBootOption, readImageRef } from '../machines/assignment-options.ts'
import { collectConditions } from '../machines/selector.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { parseCount } from '../shell/numbers.ts'
import { pathOf } from '../shell/path.ts'
import { formatTable } from '../shell/table.ts'
import { watchDocument } from '../shell/watch.ts'
import { type PowerOptions, powerCycleOption, powerOf, powerOnOption } from './power-options.ts'
import {
  formatControlled,
  formatMachines,
  formatRollout,
  formatStarted,
  rolloutHeadings,
  rowOf,
} from './rollout-format.ts'
import { collectShares, ownZone, parseBetween, parseBound, parseSeconds, parseUntilRate } from './rollout-options.ts'

type StartOptions = PowerOptions &
  Pick<AssignmentOptions, 'arg' | 'withoutArg' | 'answerFile' | 'param' | 'everyBoot'> & {
    deploy?: ImageRef
    assign?: ImageRef
    where?: Condition[]
    share?: number[]
    until?: number | 'approval'
    maxFailed?: ReturnType<typeof parseBound>
    patience?: number
    between?: { from: string; to: string }
    zone?: string
    attempts?: number
    window?: number
    force?: true
    dryRun?: true
  }

/** `bootwright rollout`. */
export function addRolloutCommand(program: Command, deps: CliDeps): void {
  const rollout = program
    .command('rollout')
    .description('install or assign an image version on many machines, in waves')
  addStart(rollout, deps)

  rollout
    .command('list')
    .description('list rollouts, newest first')
    .addOption(
      new Option('--state <state>', 'state of the rollouts; open: not ended').choices([...rolloutStates, 'open']),
    )
    .option('--limit <n>', 'maximum number of results', parseCount, 20)
    .action(async ({ state, limit }: { state?: string; limit: number }, command: Command) => {
      const items = await clientOf(command, deps).list<Rollout>('/rollouts', { state }, 'before', limit)
      print(command, deps, { items }, () => formatTable(rolloutHeadings, items.map(rowOf)))
    })

  rollout
    .command('show')
    .description('show the progress of a rollout')
    .argument('<id>', 'id of the rollout, as listed')
    .option('--watch', 'show it again every 2 s, until it ends or Ctrl-C')
    .option('--machines', 'list its machines instead')
    .addOption(
      new Option('--state <state>', 'with --machines: only machines in this state').choices(rolloutMachineStates),
    )
    .option('--limit <n>', 'with --machines: maximum number of results', parseCount, 100)
    .action(
      async (
        id: string,
        { watch, machines, state, limit }: { watch?: true; machines?: true; state?: string; limit: number },
        command: Command,
      ) => {
        const client = clientOf(command, deps)
        if (machines) {
          const path = pathOf('rollouts', id, 'machines')
          const items = await client.list<RolloutMachine>(path, { state }, 'after', limit)
          return print(command, deps, { items }, () => formatMachines(items))
        }
        const find = () => client.ask<Rollout>('GET', pathOf('rollouts', id))
        const first = await find()
        const hasEnded = ({ endedAt }: Rollout) => endedAt !== undefined
        if (watch) await watchDocument(command, deps, { first, find, format: formatRollout, hasEnded })
        else print(command, deps, first, formatRollout)
      },
    )

  const act = (name: string, description: string, what?: string) => {
    const command = rollout.command(name).description(description).argument('<id>', 'id of the rollout, as listed')
    const run = async (id: string, body: object, of: Command) => {
      const done = await clientOf(of, deps).ask<RolloutControlled>('POST', pathOf('rollouts', id, name), body)
      const would = 'dryRun' in body && what !== undefined ? `would be ${what}` : what
      print(of, deps, done, (answer) => formatControlled(answer, would))
    }
    return { command, run }
  }

  const pause = act('pause', 'pause a rollout; machines that have not begun are taken back', 'taken back')
  pause.command.action((id: string, _options, command: Command) => pause.run(id, {}, command))
  const resume = act('resume', 'resume a paused or stopped rollout, and accept its failures so far')
  resume.command.action((id: string, _options, command: Command) => resume.run(id, {}, command))

  const approve = act('approve', 'end the current wave, whatever its success rate is')
  approve.command
    .option('--wave <n>', 'number of the wave to end (default: the current one)', parseCount)
    .action(async (id: string, { wave }: { wave?: number }, command: Command) => {
      const find = () => clientOf(command, deps).ask<Rollout>('GET', pathOf('rollouts', id))
      await approve.run(id, { wave: wave ?? (await find()).wave }, command)
    })

  const cancel = act('cancel', 'cancel a rollout; machines that have not begun are taken back', 'taken back')
  cancel.command
    .option('--dry-run', 'only show how many machines would be taken back')
    .action((id: string, { dryRun }: { dryRun?: true }, command: Command) =>
      cancel.run(id, { ...(dryRun && { dryRun }) }, command),
    )

  const retry = act(
    'retry',
    'let the failed machines try again; a stopped or finished rollout runs again',
    'waiting again',
  )
  retry.command
    .option('--skipped', 'also the skipped machines')
    .option('--dry-run', 'only show how many machines would wait again')
    .action((id: string, { skipped, dryRun }: { skipped?: true; dryRun?: true }, command: Command) =>
      retry.run(id, { ...(skipped && { skipped }), ...(dryRun && { dryRun }) }, command),
    )

  const rollback = act('rollback', 'end a rollout and undo it: former assignments return', 'rolled back')
  rollback.command
    .option('--reinstall', 'of --deploy: wipe the machines that began, and install the image that they had before')
    .option('--dry-run', 'only show how many machines would be rolled back')
    .action((id: string, { reinstall, dryRun }: { reinstall?: true; dryRun?: true }, command: Command) =>
      rollback.run(id, { ...(reinstall && { reinstall }), ...(dryRun && { dryRun }) }, command),
    )
}

function addStart(rollout: Command, deps: CliDeps): void {
  addHowOptions(
    rollout
      .command('start')
      .description('start a rollout: the machines and the version are fixed now')
      .argument('[machine...]', 'MACs, UUIDs or host names of the machines, instead of --where')
      .option('--deploy <image[@version]>', 'install this image once, which wipes the disks', readImageRef)
      .option('--assign <image[@version]>', 'boot this image from now on', readImageRef)
      .option('--where <condition>', 'condition for the machines (see group set --help)', collectConditions),
  )
    .addOption(everyBootOption())
    .option(
      '--share <percent>',
      'shares of the waves: 5%,25% (default: 5%,25%,100%); the last wave has all machines',
      collectShares,
    )
    .option(
      '--until <percent>',
      'success rate of a wave before the next one begins, or approval (default: 95%)',
      parseUntilRate,
    )
    .option('--max-failed <bound>', 'stop if more machines fail: 5%, or a number (default: 5%)', parseBound)
    .option('--patience <duration>', 'time in which a machine that began must end (default: 2h)', parseSeconds)
    .option('--between <times>', 'machines begin only between these times of day: 22:00-04:00', parseBetween)
    .option('--zone <name>', 'time zone of --between: Europe/Berlin (default: that of this computer)')
    .option('--attempts <n>', 'of --deploy: maximum number of boots of each machine (default: 3)', parseCount)
    .option(
      '--window <seconds>',
      'of --deploy: time limit in seconds from the first attempt on (default: 86400)',
      parseCount,
    )
    .addOption(powerOnOption())
    .addOption(powerCycleOption())
    .option('--force', 'of --deploy: also arm machines that would be refused now')
    .option('--dry-run', 'only show the machines of each wave')
    .action(async (machines: string[], options: StartOptions, command: Command) => {
      const { deploy, assign, where, share, until, maxFailed, patience, between, zone } = options
      if ((deploy === undefined) === (assign === undefined)) command.error('error: expected one of: --deploy, --assign')
      if (machines.length > 0 === (where !== undefined)) command.error('error: expected one of: machines, --where')
      if (zone !== undefined && between === undefined) command.error('error: expected --between with --zone')
      const client = clientOf(command, deps)
      const ids = await Promise.all(
        machines.map((machine) => client.ask<Machine>('GET', `/machines/${machineInPath(readMachine(machine))}`)),
      )
      const body = {
        action: deploy === undefined ? 'assign' : 'deploy',
        ...(deploy ?? assign),
        ...(where === undefined ? { ids: ids.map(({ id }) => id) } : { selector: where }),
        ...howOf(options),
        ...powerOf(options),
        ...(share && { shares: share }),
        ...(until === 'approval' ? { approve: true } : until !== undefined && { until }),
        ...(maxFailed && { maxFailed }),
        ...(patience !== undefined && { patienceSeconds: patience }),
        ...(between && { between: { ...between, zone: zone ?? ownZone() } }),
      }
      print(command, deps, await client.ask<RolloutStarted>('POST', '/rollouts', body), formatStarted)
    })
}

function howOf({ arg, withoutArg, answerFile, param, everyBoot, attempts, window, force, dryRun }: StartOptions) {
  return {
    ...(arg && { args: arg }),
    ...(withoutArg && { withoutArgs: withoutArg }),
    ...(answerFile !== undefined && { answerFile }),
    ...(param && { params: param }),
    ...(everyBoot && { everyBoot }),
    ...(attempts !== undefined && { maxAttempts: attempts }),
    ...(window !== undefined && { windowSeconds: window }),
    ...(force && { force }),
    ...(dryRun && { dryRun }),
  }
}
