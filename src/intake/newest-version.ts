// The newest version of a recipe upstream, without an import.
import { findRecipe } from './import-recipe.ts'
import type { Intake, Job } from './intake.ts'
import { fillRecipe, versionIn } from './recipe.ts'
import { createTexts } from './trust/verified-sums.ts'

/** Whether a version is older than another, as recipes order versions. */
export function isOlder(version: string, other: string): boolean {
  return new Intl.Collator('en', { numeric: true }).compare(version, other) < 0
}

/**
 * Asks the mirror of a recipe for its newest version. Undefined if the recipe has no versions.
 * @throws InputError for an unknown recipe; Error with the reason if the mirror does not answer
 */
export async function findNewestVersion(
  intake: Intake,
  name: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const recipe = await findRecipe(intake, name)
  const { version: where } = fillRecipe(recipe, { mirrors: intake.mirrors })
  if (where === undefined) return undefined
  const job: Job = { id: 'check', signal, report: () => {}, openPartials: new Map() }
  const text = await createTexts({ ...intake, retriesMs: [] }, job).get(where.url, false)
  return versionIn(text.toString(), where.pattern)
}
