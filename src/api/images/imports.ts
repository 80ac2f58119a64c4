// /imports: images that the server imports in the background.
import { z } from '@hono/zod-openapi'
import { findNextVersion } from '../../decide/concerns/image-uses.ts'
import { checkLinuxUrls } from '../../intake/import-linux.ts'
import { checkImportUrl } from '../../intake/import-plan.ts'
import { findRecipe, requireArchs } from '../../intake/import-recipe.ts'
import { findFile } from '../../inventory/images/files.ts'
import {
  cancelImport,
  createImport,
  findImport,
  type Import,
  listImports,
  retryImport,
  sourceOf,
} from '../../inventory/images/imports.ts'
import { InputError, requireFound } from '../../lib/errors.ts'
import type { ImportPlan } from '../../model/image.ts'
import { type ChangeQuery, inTransaction } from '../changes/counted.ts'
import { type AdminDeps, endpoint } from '../http/endpoint.ts'
import { page, withoutNulls } from '../http/page.ts'
import { uuidv7 } from '../schemas/common.ts'
import { importList, importRequest, importSchema, importsQuery } from '../schemas/images/import.ts'
import { changeQuery } from '../schemas/machines/concerns.ts'

const params = z.object({ id: uuidv7 })

export const create = endpoint({
  operationId: 'createImport',
  action: 'images.edit',
  summary: 'Import an image by a recipe, from URLs, or from an uploaded file',
  description:
    'The server imports it in the background and continues after a restart; the Location header leads to its progress. The image appears only when it is complete. Its variants replace those for the same architectures. After a failure, the downloaded data is kept for some days, and the next import resumes from it.',
  query: changeQuery,
  body: importRequest,
  returns: importSchema,
  statuses: { 200: 'With `dryRun`: what would be imported', 202: 'Import waiting or running' },
  answer: async (deps, { query, body, by }) => {
    const { db, intake } = deps
    const plan = await planOf({ db, intake }, body)
    const image = body.image ?? (plan.kind === 'recipe' ? plan.recipe : undefined)
    return started(deps, query, (on) => createImport(on, { image, plan, server: intake.server }, by))
  },
})

export const list = endpoint({
  operationId: 'listImports',
  action: 'inventory.read',
  scope: 'any',
  summary: 'List imports, newest first',
  query: importsQuery,
  returns: importList,
  statuses: { 200: 'One page' },
  answer: async ({ db }, { query: { limit: max, before, image, state } }) => {
    const states = state === undefined ? undefined : state === 'open' ? (['waiting', 'running'] as const) : [state]
    const filter = { image, states: states && [...states] }
    const { items, ...next } = await page(
      max,
      (count) => listImports(db, filter, count, before),
      (row) => row.id,
    )
    return { status: 200, body: { items: items.map(bodyOf), ...next } }
  },
})

export const get = endpoint({
  operationId: 'getImport',
  action: 'inventory.read',
  scope: 'any',
  summary: 'Get the progress or the result of an import',
  params,
  returns: importSchema,
  statuses: { 200: 'The import' },
  answer: async ({ db }, { params: { id } }) => {
    const found = await findImport(db, id)
    requireFound(found, `import ${id}`)
    return { status: 200, body: bodyOf(found) }
  },
})

export const cancel = endpoint({
  operationId: 'cancelImport',
  action: 'images.edit',
  summary: 'Cancel an import and discard its data',
  params,
  returns: importSchema,
  statuses: { 200: 'Import cancelled' },
  answer: async ({ db, intake }, { params: { id }, by }) => {
    const cancelled = await cancelImport(db, id, by)
    setImmediate(intake.wake)
    return { status: 200, body: bodyOf(cancelled) }
  },
})

export const retry = endpoint({
  operationId: 'retryImport',
  action: 'images.edit',
  summary: 'Start an import again that failed or was cancelled',
  description:
    'The new import has the same source and options. After a failure, it resumes from the data that is kept.',
  params,
  query: changeQuery,
  returns: importSchema,
  statuses: { 200: 'With `dryRun`: what would be imported', 202: 'A new import, waiting or running' },
  answer: async (deps, { params: { id }, query, by }) =>
    started(deps, query, (on) => retryImport(on, id, deps.intake.server, by)),
})

/** Creates an import and starts it. A dry run does neither, and answers what would be. */
async function started(
  { db, intake }: Pick<AdminDeps, 'db' | 'intake'>,
  { dryRun = false, count = false }: ChangeQuery,
  create: (db: AdminDeps['db']) => Promise<Import>,
) {
  const created = await inTransaction(db, dryRun, create)
  const { image, plan } = created
  const next = image !== null && (count || dryRun) ? { next: await findNextVersion(db, image, plan.draft) } : {}
  const body = { ...bodyOf(created), ...next }
  if (dryRun) return { status: 200 as const, body }
  // After the transaction of an idempotent request.
  setImmediate(intake.wake)
  return { status: 202 as const, body, headers: { location: `/api/v1/imports/${created.id}` } }
}

/** @throws InputError if the recipe, URL or file clearly cannot be imported */
async function planOf(
  { db, intake }: Pick<AdminDeps, 'db' | 'intake'>,
  body: z.output<typeof importRequest>,
): Promise<ImportPlan> {
  const { recipe, mirror, url, sha256: hash, sha512: longHash, file, linux, keepIso = false, wimboot } = body
  const { archs, title, installer, draft } = body
  const common = { title, installer, draft, ...(archs && { archs: [...new Set(archs)] }) }
  if (recipe !== undefined) {
    requireArchs(await findRecipe({ db, loadRecipes: intake.loadRecipes }, recipe), archs)
    return { ...common, kind: 'recipe', recipe, ...(mirror !== undefined && { mirror: mirror.replace(/\/+$/, '') }) }
  }
  if (linux !== undefined) {
    checkLinuxUrls(linux)
    return { ...common, kind: 'linux', linux }
  }
  if (wimboot !== undefined && (await findFile(db, wimboot.sha256)) === undefined)
    throw new InputError({ field: 'wimboot.sha256', value: wimboot.sha256, expected: 'the sha256 of an uploaded file' })
  if (url !== undefined) {
    checkImportUrl(url)
    const hashes = { ...(hash && { sha256: hash }), ...(longHash && { sha512: longHash }) }
    return { ...common, ...(wimboot && { wimboot }), kind: 'url', url: new URL(url).href, ...hashes, keepIso }
  }
  const stored = await findFile(db, file ?? '')
  if (stored === undefined)
    throw new InputError({ field: 'file', value: file ?? '', expected: 'the sha256 of an uploaded file' })
  const { sha256: fileHash, name } = stored
  return { ...common, ...(wimboot && { wimboot }), kind: 'file', sha256: fileHash, name, keepIso }
}

function bodyOf({ plan, server: _, seq: __, bytesPerSecond, ...row }: Import) {
  return { ...withoutNulls(row), ...paceOf(row, bytesPerSecond), source: sourceOf(plan), kind: plan.kind }
}

/** Without progress for longer, an import stalls: the recorded speed is that of the last progress. */
const stalledMs = 15_000

type Progress = Pick<Import, 'state' | 'doneBytes' | 'totalBytes' | 'updatedAt'>

function paceOf({ state, doneBytes, totalBytes, updatedAt }: Progress, bytesPerSecond: number | null) {
  if (state !== 'running' || bytesPerSecond === null) return {}
  if (Date.now() - updatedAt.getTime() > stalledMs) return { bytesPerSecond: 0 }
  if (totalBytes === null || bytesPerSecond === 0) return { bytesPerSecond }
  return { bytesPerSecond, secondsLeft: Math.ceil(Math.max(0, totalBytes - doneBytes) / bytesPerSecond) }
}
