// `bootwright machine power on`, `off`, `cycle` and `state`.
import { setTimeout as wait } from 'node:timers/promises'
import type { Command } from 'commander'
import type { PowerRequest, PowersRequested } from '../../../api/schemas/machines/power.ts'
import { type PowerAction, powerActions } from '../../../model/power/power.ts'
import type { Condition } from '../../../model/selector.ts'
import type { Client } from '../../shell/client.ts'
import { type CliDeps, clientOf, print } from '../../shell/deps.ts'
import { parseCount } from '../../shell/numbers.ts'
import { machineHelp, machineInPath, readMachine } from '../argument.ts'
import { collectConditions } from '../selector.ts'
import { formatRequest } from './words.ts'

type ActionOptions = {
  where?: Condition[]
  network?: true
  force?: true
  dryRun?: true
  expect?: number
  wait: boolean
}

const descriptions: Record<PowerAction, string> = {
  on: 'switch machines on; with --where, show first which',
  off: 'shut machines down, or switch them off at once; with --where, show first which',
  cycle: 'restart machines at once, and switch on those that are off; with --where, show first which',
  state: 'ask BMCs whether machines are on; with --where, show first which',
}

/** The commands of the actions. */
export function addPowerActionCommands(power: Command, deps: CliDeps): void {
  for (const action of powerActions) {
    const command = power
      .command(action)
      .description(descriptions[action])
      .argument('[machine]', machineHelp, readMachine)
      .option(
        '--where <condition>',
        'condition for the machines, instead of one machine (see group set --help)',
        collectConditions,
      )
      .option('--dry-run', 'with --where: only show what would be powered')
      .option('--expect <n>', 'with --where: number of machines to power; a preview shows it', parseCount)
      .option('--no-wait', 'do not wait for the result')
    if (action === 'on' || action === 'cycle') command.option('--network', 'boot from the network next, once')
    if (action === 'off') command.option('--force', 'do not ask the operating system to shut down')
    command.action(async (machine: string | undefined, options: ActionOptions) => {
      if ((machine === undefined) === (options.where === undefined))
        command.error('error: expected a machine or --where, not both')
      const { network, force } = options
      const order = { action, ...(network && { network }), ...(force && { force }) }
      if (machine !== undefined) await powerOne(command, deps, machine, order, options.wait)
      else await powerMany(command, deps, order, options)
    })
  }
}

async function powerOne(
  command: Command,
  deps: CliDeps,
  machine: string,
  order: object,
  waits: boolean,
): Promise<void> {
  const client = clientOf(command, deps)
  const asked = await client.ask<PowerRequest>('POST', `/machines/${machineInPath(machine)}/power`, order)
  const [ended = asked] = waits ? await waitFor(client, deps, [asked.id]) : []
  print(command, deps, ended, formatRequest)
  if (ended.state === 'failed' || ended.state === 'cancelled') deps.setExitCode?.(1)
}

async function powerMany(
  command: Command,
  deps: CliDeps,
  order: object,
  { where, dryRun, expect, wait: waits }: ActionOptions,
): Promise<void> {
  const client = clientOf(command, deps)
  // Nothing is powered before somebody has seen how many machines it is.
  const isPreview = dryRun === true || expect === undefined
  const body = { selector: where, ...order, ...(isPreview ? { dryRun: true } : { expect }) }
  const asked = await client.ask<PowersRequested>('POST', '/machines/power', body)
  const { requested, batch } = asked
  if (isPreview || !waits || requested.length === 0)
    return print(command, deps, asked, (answer) => formatRequested(answer, isPreview))
  deps.err(
    `${requested.length} machines requested. To cancel those that wait: bootwright machine power cancel --batch ${batch}\n`,
  )
  const items = await waitFor(
    client,
    deps,
    requested.flatMap(({ id }) => id ?? []),
  )
  print(command, deps, { ...asked, items }, () => [...items.map(formatRequest), ...skippedLines(asked)].join('\n'))
  if (items.some(({ state }) => state !== 'done')) deps.setExitCode?.(1)
}

/** Waits until these requests have ended. */
async function waitFor(client: Client, deps: CliDeps, ids: string[]): Promise<PowerRequest[]> {
  const ended: PowerRequest[] = []
  for (const id of ids)
    for (;;) {
      const request = await client.ask<PowerRequest>('GET', `/power-requests/${id}`)
      if (request.endedAt !== undefined) {
        ended.push(request)
        break
      }
      await wait(deps.pollMs ?? 1000)
    }
  return ended
}

function formatRequested(answer: PowersRequested, isPreview: boolean): string {
  const { requested, batch } = answer
  return [
    `${requested.length} machines ${isPreview ? 'would be powered' : 'requested'}, ${answer.skipped.length} skipped`,
    ...requested.map(({ machine }) => machine),
    ...skippedLines(answer),
    ...(requested.length === 0
      ? []
      : [
          isPreview
            ? `to apply: repeat the command with --expect ${requested.length}`
            : `to cancel those that wait: bootwright machine power cancel --batch ${batch}`,
        ]),
  ].join('\n')
}

function skippedLines({ skipped }: PowersRequested): string[] {
  return skipped.map(({ machine, why }) => `skipped ${machine}: ${why}`)
}
