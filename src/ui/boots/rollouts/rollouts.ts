// /rollouts: rollouts with their progress, and what a person does with one.
import type { Rollout } from '../../../api/schemas/boots/rollout.ts'
import type { RolloutControlled } from '../../../api/schemas/boots/rollout-actions.ts'
import type { RolloutMachineList } from '../../../api/schemas/boots/rollout-machine.ts'
import { rolloutMachineStates } from '../../../model/rollout/rollout.ts'
import { pathOf, withQuery } from '../../http/client.ts'
import type { Command } from '../../http/commands.ts'
import { count } from '../../http/format.ts'
import { readNumber } from '../../http/lines.ts'
import type { Listed } from '../../http/listed.ts'
import type { PageHandler } from '../../http/visit.ts'
import { rollBackCommand } from './roll-back.ts'
import { machineTones, type RolloutVerb, rolloutView } from './words.ts'

const verbs: readonly string[] = ['pause', 'resume', 'approve', 'retry', 'cancel'] satisfies RolloutVerb[]

export const list: PageHandler = async ({ api, query }) => {
  const path = withQuery('/rollouts', { limit: '50', before: query.get('before') })
  const { items, next } = await api.ask<Listed<Rollout>>('GET', path)
  return {
    view: 'rollouts/list',
    title: 'Rollouts',
    data: {
      rollouts: items.map(rolloutView),
      isFirst: query.get('before') === undefined,
      next: next && withQuery('/rollouts', { before: next }),
    },
    commands: [{ title: 'List rollouts', path, cli: 'rollout list' }, previewCommand],
  }
}

export const get: PageHandler = async ({ api, params, query, url, may }) => {
  const path = pathOf('rollouts', params.id ?? '')
  const rollout = rolloutView(await api.ask<Rollout>('GET', path))
  const state = rolloutMachineStates.find((name) => name === query.get('state'))
  const after = query.get('after')
  const { items, next } = await api.ask<RolloutMachineList>(
    'GET',
    withQuery(`${path}/machines`, { limit: '100', state, after }),
  )
  const linkTo = (more: Record<string, string | undefined>) => withQuery(path, more)
  return {
    view: 'rollouts/one',
    title: `Rollout of ${rollout.image}`,
    data: {
      ...{ rollout, url, state },
      machines: items.map((row) => ({
        ...row,
        tone: machineTones[row.state],
        since: row.endedAt ?? row.startedAt ?? row.actedAt,
      })),
      links: [undefined, ...rolloutMachineStates].map((name) => ({
        name: name ?? 'all',
        state: name,
        url: linkTo({ state: name }),
      })),
      next: next && linkTo({ state, after: next }),
    },
    commands: [
      { title: 'Get this rollout', path, cli: `rollout show ${rollout.id} --watch` },
      { title: 'List its machines', path: `${path}/machines`, cli: `rollout show ${rollout.id} --machines` },
      ...(may('deployments.edit') ? rollout.actions.map(({ verb, label }) => commandOf(rollout, verb, label)) : []),
      ...(may('deployments.edit') && rollout.canRollBack ? [rollBackCommand(rollout)] : []),
    ],
  }
}

export const act: PageHandler = async ({ api, params, form }) => {
  const { id = '', verb = '' } = params
  const path = pathOf('rollouts', id)
  const body = verb === 'approve' ? { wave: readNumber(form, 'wave') ?? 0 } : {}
  // A path that names no action is the API's to refuse.
  const action = verbs.includes(verb) ? verb : encodeURIComponent(verb)
  const { rollout, machines } = await api.ask<RolloutControlled>('POST', `${path}/${action}`, body)
  const notices: Record<string, string> = {
    pause: `Paused. ${count(machines, 'machine')} taken back.`,
    resume: 'Resumed.',
    approve: rollout.endedAt === undefined ? `Wave ${rollout.wave} begins.` : 'The rollout finished.',
    retry: `${count(machines, 'machine')} will try again.`,
    cancel: `Cancelled. ${count(machines, 'machine')} taken back.`,
  }
  return { redirect: path, notice: notices[verb] ?? 'Done.' }
}

function commandOf({ id, wave }: Rollout, verb: RolloutVerb, title: string): Command {
  const path = `${pathOf('rollouts', id)}/${verb}`
  return { title, method: 'POST', path, body: verb === 'approve' ? { wave } : {}, cli: `rollout ${verb} ${id}` }
}

const previewCommand: Command = {
  title: 'Preview a rollout; without dryRun, start it',
  ...{ method: 'POST', path: '/rollouts' },
  body: { action: 'assign', image: 'debian-13', filter: { label: ['rack=b4'] }, dryRun: true },
  cli: 'rollout start --assign debian-13 --where label.rack=b4 --dry-run',
}
