// /apply and /export: groups, menus, answer files, images, recipes and the policy as one whole.

import { compareCatalogs } from '../../decide/concerns/concerns.ts'
import { countImageMachines } from '../../decide/concerns/image-uses.ts'
import { countGroupMachines } from '../../decide/preview/group-uses.ts'
import { type Applied, applyFolder } from '../../inventory/folder/apply.ts'
import { exportFolder } from '../../inventory/folder/export.ts'
import type { Planned } from '../../inventory/folder/plan.ts'
import { isSameJson } from '../../lib/canonical.ts'
import { type FieldFault, InputError } from '../../lib/errors.ts'
import type { FolderAnswerFile, FolderImage, FolderRecipe } from '../../model/folder/folder.ts'
import { findDocumentFaults } from '../../render/answers.ts'
import { type AdminDeps, endpoint } from '../http/endpoint.ts'
import { recipeFaults } from '../images/recipes.ts'
import { applyQuery, applyRequest, applyResult, exportedFolder, exportQuery } from '../schemas/system/folder.ts'

const maxBodyBytes = 16 * 2 ** 20

export const apply = endpoint({
  operationId: 'applyFolder',
  action: 'folder.apply',
  summary: 'Apply groups, menus, answer files, images, recipes and the policy as one whole, or nothing',
  description:
    'Everything in the body is created or replaced in one transaction. All faults are listed, and any fault leaves everything as it was. A dry run does the same and rolls back. To apply exactly a plan, send its ETag as If-Match: if anything in the plan has changed since, the answer is 412.',
  query: applyQuery,
  body: applyRequest,
  maxBodyBytes,
  conditional: true,
  returns: applyResult,
  statuses: { 200: 'The plan of a dry run, or what was applied' },
  answer: async ({ db }, { query, body, precondition, by }) => {
    const { owner, prune = false, pruneUsed = false, take = false, ...folder } = body
    if (precondition.ifNoneMatch !== undefined)
      throw new InputError({ field: 'If-None-Match', value: '*', expected: 'no such header' })
    const faults = [...documentFaults(folder.answerFiles), ...(await faultsOfRecipes(folder.recipes))]
    const dryRun = query.dryRun ?? false
    const catalogs = (dryRun || query.count === true) && faults.length === 0
    const how = { owner, prune, pruneUsed, take, precondition, countMatches: countGroupMachines, catalogs }
    // With a fault, the rest is only planned, so that all faults are listed at once.
    const applied = await applyFolder(db, folder, { ...how, dryRun: dryRun || faults.length > 0 }, by).catch(
      (error: unknown) => {
        throw error instanceof InputError ? new InputError([...faults, ...error.faults]) : error
      },
    )
    if (faults.length > 0) throw new InputError(faults)
    const found = applied.catalogs
    const concerns = found && { applied: !dryRun, ...(await compareCatalogs(db, found.before, found.after)) }
    const body200 = {
      ...{ dryRun, owner },
      ...countsOf(applied),
      etag: applied.tag,
      items: await itemsOf(db, applied, dryRun),
      ...(concerns && { concerns }),
    }
    return { status: 200, body: body200, headers: { etag: applied.tag } }
  },
})

export const exportAll = endpoint({
  operationId: 'exportFolder',
  action: 'inventory.read',
  summary: 'Export groups, menus, answer files, images, recipes and the policy, in the form of an apply',
  description:
    'The lists are sorted by name. Images are exported as the recipe that made them, or as variants with the hashes of their files.',
  query: exportQuery,
  returns: exportedFolder,
  statuses: { 200: 'Everything, as it is at one moment' },
  answer: async ({ db, intake }, { query }) => {
    const { secrets, ...folder } = await exportFolder(db, query.owner)
    const inFiles = [...(await intake.loadRecipes(db)).recipes.values()].filter(
      ({ origin }) => origin === 'data-folder',
    )
    const names = inFiles.map(({ name }) => name).sort()
    return { status: 200, body: { ...folder, omitted: omittedOf(folder.images, names, secrets) } }
  },
})

/** The faults in the Liquid of all documents, with their places in the body. */
function documentFaults(answerFiles: FolderAnswerFile[]): FieldFault[] {
  return answerFiles.flatMap(({ documents }, index) =>
    documents.flatMap((document, at) =>
      findDocumentFaults([document]).map(({ message, line }): FieldFault => {
        const place = line === undefined ? '' : `, line ${line}`
        const field = `answerFiles[${index}].documents[${at}].text`
        return { field, value: document.name, expected: `valid Liquid (${message}${place})` }
      }),
    ),
  )
}

/** The faults of all recipes, with their places in the body. */
async function faultsOfRecipes(recipes: FolderRecipe[]): Promise<FieldFault[]> {
  const faults: FieldFault[] = []
  for (const [index, { name, text }] of recipes.entries())
    faults.push(...(await recipeFaults(name, text, `recipes[${index}].text`)))
  return faults
}

function countsOf({ items }: Applied) {
  const count = (outcome: Planned['outcome']) => items.filter((item) => item.outcome === outcome).length
  return {
    ...{ created: count('created'), changed: count('changed') },
    ...{ unchanged: count('unchanged'), deleted: count('deleted') },
  }
}

/** The rows that say something. A plan counts the machines that boot an image with other variants. */
async function itemsOf(db: AdminDeps['db'], { items }: Applied, dryRun: boolean) {
  const rows = items.filter((item) => item.outcome !== 'unchanged' || item.adopted || item.takenFrom)
  const result = []
  for (const { before, after, ...row } of rows) {
    const [old, now] = [before, after] as [FolderImage | undefined, FolderImage | undefined]
    const isOther = row.kind === 'image' && row.outcome === 'changed' && !isSameJson(old?.variants, now?.variants)
    const counted = isOther && dryRun ? { machines: (await countImageMachines(db, row.name ?? '')).machines } : {}
    result.push({
      ...{ ...row, ...counted },
      ...(before !== undefined && { before: before as Record<string, unknown> }),
      ...(after !== undefined && { after: after as Record<string, unknown> }),
    })
  }
  return result
}

function omittedOf(images: FolderImage[], recipes: string[], secrets: { group: string; names: string[] }[]): string[] {
  return [
    ...secrets.map(({ group, names }) => `the values of the secrets of group ${group}: ${names.join(', ')}`),
    ...(images.length > 0 ? ['the bytes of the files of images, and all versions but the current ones'] : []),
    ...(recipes.length > 0 ? [`the recipes in the data folder of the server: ${recipes.join(', ')}`] : []),
    'machines with their secrets, people, tokens and webhooks',
  ]
}
