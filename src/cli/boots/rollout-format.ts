// Rollouts as text.
import type { Rollout, RolloutStarted } from '../../api/schemas/boots/rollout.ts'
import type { RolloutControlled } from '../../api/schemas/boots/rollout-actions.ts'
import type { RolloutMachine } from '../../api/schemas/boots/rollout-machine.ts'
import { formatCount } from '../../lib/text/format.ts'
import { formatBound } from '../../model/rollout/rollout.ts'
import { formatWindow } from '../../model/rollout/window.ts'
import { formatTime } from '../shell/format.ts'
import { formatFields, formatTable } from '../shell/table.ts'

export const rolloutHeadings = ['CREATED', 'ACTION', 'IMAGE', 'STATE', 'WAVE', 'MACHINES', 'STATES', 'BY', 'ID']

/** A rollout in a list. */
export function rowOf(rollout: Rollout): string[] {
  const { createdAt, action, state, wave, waves, machines, states, createdBy, id } = rollout
  return [
    formatTime(createdAt),
    action,
    imageOf(rollout),
    state,
    `${wave} of ${waves.length}`,
    String(machines),
    formatStates(states),
    createdBy,
    id,
  ]
}

/** A rollout with its waves. */
export function formatRollout(rollout: Rollout): string {
  const { id, action, state, waitsFor, reason, waves, wave, maxFailed, between, patienceSeconds, createdBy, power } =
    rollout
  const opens = waitsFor?.until === undefined ? '' : ` (opens ${formatTime(waitsFor.until)})`
  const fields = formatFields({
    rollout: id,
    action: `${action} ${imageOf(rollout)}`,
    state,
    reason,
    waiting: waitsFor && `${waitsFor.text}${opens}`,
    machines: `${rollout.machines}: ${formatStates(rollout.states)}`,
    stops: `if more than ${formatBound(maxFailed)} fail`,
    patience: `${patienceSeconds} s`,
    between: between && formatWindow(between),
    power: power && formatPower(power),
    started: `${formatTime(rollout.createdAt)} by ${createdBy}`,
    ended: formatTime(rollout.endedAt),
  })
  const rows = waves.map(({ share, until, machines, states }, at) => [
    `${at + 1 === wave && rollout.endedAt === undefined ? '>' : ' '} ${at + 1}`,
    `${share}%`,
    at + 1 === waves.length ? 'all machines' : until === undefined ? 'approval' : `${until}%`,
    String(machines),
    formatStates(states),
  ])
  const next = nextOf(rollout)
  const table = formatTable(['  WAVE', 'SHARE', 'UNTIL', 'MACHINES', 'STATES'], rows)
  return [fields, table, ...(next === undefined ? [] : [next])].join('\n\n')
}

/** The machines of a rollout. */
export function formatMachines(items: RolloutMachine[]): string {
  return formatTable(
    ['PLACE', 'WAVE', 'MACHINE', 'STATE', 'ATTEMPT', 'BEGAN', 'ENDED', 'REASON'],
    items.map(({ place, wave, machine, state, attempt, startedAt, endedAt, reason }) => [
      String(place),
      String(wave),
      machine,
      state,
      String(attempt),
      formatTime(startedAt),
      formatTime(endedAt),
      reason,
    ]),
  )
}

/** What a start did, or would do. */
export function formatStarted({ rollout, version, machines, waves, checked, skipped }: RolloutStarted): string {
  const lines = waves.map(
    ({ share, machines: count }, at) => `wave ${at + 1} (${share}%): ${formatCount(count, 'machine')}`,
  )
  if (rollout !== undefined)
    return [
      `rollout ${rollout.id}: ${rollout.action} ${imageOf(rollout)} on ${formatCount(machines, 'machine')}`,
      ...lines,
      ...limitsOf(rollout),
      `to watch it: bootwright rollout show ${rollout.id} --watch`,
    ].join('\n')
  return [
    `would concern ${formatCount(machines, 'machine')}, with version ${version}`,
    ...lines,
    `${skipped.length} of the first ${formatCount(checked, 'machine')} would be skipped now`,
    ...skipped.map(({ machine, why }) => `skipped ${machine}: ${why}`),
  ].join('\n')
}

/** What the start of a rollout must not hide: when its machines begin, and that they are powered. */
function limitsOf({ between, waitsFor, power }: Rollout): string[] {
  const opens = waitsFor?.until === undefined ? '' : `; opens ${formatTime(waitsFor.until)}`
  return [
    ...(between ? [`machines begin only between ${formatWindow(between)}${opens}`] : []),
    ...(power ? [`power: ${formatPower(power)}`] : []),
  ]
}

function formatPower(power: NonNullable<Rollout['power']>): string {
  return power === 'on' ? 'armed machines are switched on' : 'armed machines are restarted into a network boot'
}

/** What an action on a rollout did. @param what as in `4 machines taken back` */
export function formatControlled({ rollout, machines, kept }: RolloutControlled, what: string | undefined): string {
  const done = what === undefined ? '' : `; ${formatCount(machines, 'machine')} ${what}`
  const stays = kept === 0 ? '' : `; ${formatCount(kept, 'machine')} kept as they are`
  return `rollout ${rollout.id} is ${rollout.state}, wave ${rollout.wave} of ${rollout.waves.length}${done}${stays}`
}

export function formatStates(states: Rollout['states']): string {
  return Object.entries(states)
    .map(([state, count]) => `${count} ${state}`)
    .join(', ')
}

function imageOf({ image, version }: Pick<Rollout, 'image' | 'version'>): string {
  return `${image}@${version}`
}

/** The command for a person who must decide. */
function nextOf({ id, state, waitsFor }: Rollout): string | undefined {
  if (state === 'paused' || state === 'stopped')
    return `next: bootwright rollout resume ${id}, or rollout retry, cancel or rollback`
  return waitsFor?.what === 'person' ? `next: bootwright rollout approve ${id}, or rollout retry` : undefined
}
