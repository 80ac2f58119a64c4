// /rollouts/:id/rollback: end a rollout and undo it, after a look at how many machines that concerns.
import type { Rollout } from '../../../api/schemas/boots/rollout.ts'
import type { RolloutControlled } from '../../../api/schemas/boots/rollout-actions.ts'
import { pathOf, RefusedError } from '../../http/client.ts'
import type { Command } from '../../http/commands.ts'
import { count } from '../../http/format.ts'
import { readNumber } from '../../http/lines.ts'
import { type Page, type PageHandler, submit, type Visit } from '../../http/visit.ts'

export const rollBackPage: PageHandler = (visit) => show(visit)

export const rollBack: PageHandler = (visit) => {
  const { params, form } = visit
  const path = pathOf('rollouts', params.id ?? '')
  const reinstall = form.get('reinstall') === 'yes'
  return submit(
    async () => {
      await requireSame(visit, reinstall, readNumber(form, 'expect'))
      const { machines, kept } = await ask(visit, { reinstall })
      const stays = kept === 0 ? '' : ` ${count(kept, 'machine')} kept as they are.`
      return { redirect: path, notice: `Rolled back ${count(machines, 'machine')}.${stays}` }
    },
    (refusal) => show(visit, refusal),
  )
}

/** Refuses a number that is not the present one. */
async function requireSame(visit: Visit, reinstall: boolean, expect: number | undefined): Promise<void> {
  const { machines } = await ask(visit, { reinstall, dryRun: true })
  if (machines === expect) return
  throw new RefusedError(
    `${count(machines, 'machine')} would be rolled back now, not ${expect ?? 'an unknown number'}. Check the new numbers below.`,
    409,
    undefined,
    [],
  )
}

function ask({ api, params }: Visit, body: { reinstall: boolean; dryRun?: true }): Promise<RolloutControlled> {
  return api.ask<RolloutControlled>('POST', `${pathOf('rollouts', params.id ?? '')}/rollback`, body)
}

async function show(visit: Visit, refusal?: RefusedError): Promise<Page> {
  const path = pathOf('rollouts', visit.params.id ?? '')
  const rollout = await visit.api.ask<Rollout>('GET', path)
  const isOver = rollout.state === 'rolled-back'
  const [plain, reinstalled] = isOver
    ? []
    : await Promise.all([
        ask(visit, { reinstall: false, dryRun: true }),
        rollout.action === 'deploy' ? ask(visit, { reinstall: true, dryRun: true }) : undefined,
      ])
  return {
    view: 'rollouts/roll-back',
    title: `Roll back ${rollout.image}`,
    data: { rollout, refusal, plain, reinstalled, isDeploy: rollout.action === 'deploy', action: `${path}/rollback` },
    commands: [rollBackCommand(rollout)],
  }
}

export function rollBackCommand({ id }: Pick<Rollout, 'id'>): Command {
  return {
    title: 'Preview the roll back; without dryRun, roll back',
    ...{ method: 'POST', path: `${pathOf('rollouts', id)}/rollback`, body: { dryRun: true } },
    cli: `rollout rollback ${id} --dry-run`,
  }
}
