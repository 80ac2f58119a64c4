// `bootwright apply`.
import type { Command } from 'commander'
import type { ApplyRequest, ApplyResult } from '../../api/schemas/system/folder.ts'
import { formatCount } from '../../lib/text/format.ts'
import { printConcerns } from '../machines/concerns.ts'
import { type Client, RefusedError, withQuery } from '../shell/client.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { operatorPath } from '../shell/path.ts'
import { formatPlan, formatResult } from './plan-text.ts'
import { formatFaults, type ReadFolder, readFolder } from './read-folder.ts'

type ApplyOptions = { dryRun?: true; prune?: true; pruneUsed?: true; take?: true; owner?: string }

/** `bootwright apply`. */
export function addApplyCommand(program: Command, deps: CliDeps): void {
  program
    .command('apply')
    .description(
      'apply a folder of YAML: groups, menus, answer files, images, recipes and the policy, as one whole or not at all; the plan comes first',
    )
    .argument('<folder>', 'folder as export writes it')
    .option(
      '--dry-run',
      'change nothing; show the plan with each difference, and how many machines would boot something else',
    )
    .option('--prune', 'delete what this folder applied before and no longer has')
    .option('--prune-used', 'with --prune: delete groups too that machines match')
    .option('--owner <name>', 'name of the folder, if several folders are applied (default: folder)')
    .option('--take', 'take over things that another folder owns')
    .action(async (folder: string, options: ApplyOptions, command: Command) => {
      const { dryRun, prune, pruneUsed, take, owner } = options
      if (pruneUsed && !prune) command.error('error: --prune-used needs --prune')
      const read = await readFolder(operatorPath(deps, folder))
      const given = {
        ...(owner && { owner }),
        ...(prune && { prune }),
        ...(pruneUsed && { pruneUsed }),
        ...(take && { take }),
      }
      const body = { ...given, ...read.body } as ApplyRequest
      const client = clientOf(command, deps)
      const plan = await ask(client, read, body, { dryRun: 'true' })
      const { json } = command.optsWithGlobals<{ json?: boolean }>()
      if (!json && plan.items.length > 0) print(command, deps, plan, formatPlan)
      const refused = plan.items.filter((item) => item.refused !== undefined)
      const isPlan = dryRun || (plan.items.length === 0 && refused.length === 0)
      const done = isPlan ? plan : await ask(client, read, body, { count: 'true' }, plan.etag)
      print(command, deps, done, formatResult)
      if (dryRun || (done.concerns?.machines ?? 0) > 0) printConcerns(deps, done.concerns)
      if (refused.length > 0) throw new Error(`${formatCount(refused.length, 'thing')} cannot be deleted`)
    })
}

async function ask(
  client: Client,
  read: ReadFolder,
  body: ApplyRequest,
  query: { dryRun?: string; count?: string },
  ifMatch?: string,
) {
  try {
    return await client.ask<ApplyResult>('POST', withQuery('/apply', query), body, ifMatch)
  } catch (error) {
    if (!(error instanceof RefusedError) || error.faults.length === 0) throw error
    throw new Error(`${formatFaults(read.translate(error.faults))}\nnothing was changed`)
  }
}
