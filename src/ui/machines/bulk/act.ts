// Asks the API for an action on many machines.
import type { MachinesAct, MachinesActed } from '../../../api/schemas/machines/action.ts'
import type { ApiClient } from '../../http/client.ts'
import type { Command } from '../../http/commands.ts'
import type { Form } from '../../http/form.ts'
import { filterOptions } from '../filter.ts'
import type { ActionKind } from './action-kinds.ts'
import type { Target } from './target.ts'

/** An action, its machines, and the form with its values. */
export type GivenAction = { name: string; kind: ActionKind; target: Target; form: Form }

const path = '/machines/actions'

/** Runs an action, or previews it. @param expect the number of machines in the preview; undefined for a preview */
export function act(api: ApiClient, given: GivenAction, expect: number | undefined): Promise<MachinesActed> {
  const limits = expect === undefined ? { dryRun: true } : { expect }
  return api.ask<MachinesActed>('POST', path, { ...bodyOf(given), ...limits })
}

/** The same preview with curl and the command line. */
export function previewCommand(given: GivenAction): Command {
  const { kind, target, form } = given
  const options = target.filter && filterOptions(target.filter)
  const action = kind.cli(form)
  const cli = options !== undefined && action !== undefined && `machine act ${action} ${options}`.trim()
  const title = `Preview: ${kind.title.toLowerCase()} ${target.words}`
  return { title, method: 'POST', path, body: { ...bodyOf(given), dryRun: true }, ...(cli && { cli }) }
}

function bodyOf({ kind, target, form }: GivenAction): MachinesAct {
  return { ...target.body, action: kind.body(form) }
}
