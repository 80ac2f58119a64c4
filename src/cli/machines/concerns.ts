// The options of commands that change what machines boot, and the machines that a change concerns, as text.
import type { Command } from 'commander'
import type { Concerns, Deleted } from '../../api/schemas/machines/concerns.ts'
import { formatCount } from '../../lib/text/format.ts'
import type { Client } from '../shell/client.ts'
import { withQuery } from '../shell/client.ts'
import type { CliDeps } from '../shell/deps.ts'

/** Adds `--dry-run`. */
export function addDryRun(command: Command): Command {
  return command.option('--dry-run', 'change nothing; show how many machines it concerns')
}

/** The path of a change that counts the machines which it concerns. The path may have a query. */
export function countedPath(path: string, dryRun: boolean | undefined): string {
  return withQuery(path, dryRun ? { dryRun: 'true' } : { count: 'true' })
}

/** Prints how many machines a change concerns, and what they boot before and after it. */
export function printConcerns(deps: CliDeps, concerns: Concerns | undefined): void {
  if (concerns !== undefined) deps.err(`${formatConcerns(concerns)}\n`)
}

/** Deletes a thing, and prints the machines that it concerns. `what` names the thing: `group g`. */
export async function deleteCounted(
  client: Client,
  deps: CliDeps,
  path: string,
  what: string,
  dryRun: boolean | undefined,
): Promise<void> {
  const { concerns } = await client.ask<Deleted>('DELETE', countedPath(path, dryRun))
  deps.err(`${what} ${dryRun ? 'would be deleted' : 'deleted'}\n`)
  if (concerns.machines > 0 || dryRun) printConcerns(deps, concerns)
}

/** `concerns 3 machines:`, and a line for each change of what they boot. */
export function formatConcerns({ applied, machines, checked, more, changes }: Concerns): string {
  const count = `${more ? 'at least ' : ''}${formatCount(machines, 'machine')}`
  const bound = more ? ` (only the first ${checked} machines were compared)` : ''
  const listed = changes.map((change) => `  ${change.machines}: ${change.before} -> ${change.after}`)
  const others = machines - changes.reduce((sum, change) => sum + change.machines, 0)
  const remainder = others > 0 ? [`  ${others}: other changes`] : []
  const verb = applied ? 'concerns' : 'dry run, nothing changed; it would concern'
  return [`${verb} ${count}${bound}${changes.length > 0 ? ':' : ''}`, ...listed, ...remainder].join('\n')
}
