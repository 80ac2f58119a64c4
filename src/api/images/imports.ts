import { z } from '@hono/zod-openapi'
import { checkImportUrl } from '../../intake/import-plan.ts'
import { findRecipe, requireArchs } from '../../intake/import-recipe.ts'
import { findFile } from '../../inventory/images/files.ts'
import {
  cancelImport,
  createImport,
  findImport,
  type Import,
  listImports,
  sourceOf,
} from '../../inventory/images/imports.ts'
import { InputError, NotFoundError } from '../../lib/errors.ts'
import { type ImportPlan, importStates } from '../../model/image.ts'
import { type AdminDeps, endpoint } from '../http/endpoint.ts'
import {
  arch,
  imageName,
  limit,
  moment,
  page,
  pageOf,
  printable,
  sha256,
  uuidv7,
  withoutNulls,
} from '../schemas/common.ts'
import { fileRef } from '../schemas/images/variant.ts'

const sha512 = z.string().regex(/^[0-9a-f]{128}$/, 'a sha512 in lower-case hexadecimal')

const request = z
  .strictObject({
    image: imageName.optional().openapi({ description: "Absent: the recipe's name, or what was recognised." }),
    title: printable(128).optional(),
    installer: z.boolean().optional().openapi({
      description:
        "Whether booting it may write to the machine's disk. Absent: as the image was before, or as the recipe or layout says.",
    }),
    archs: z
      .array(arch)
      .min(1, 'at least one, or no archs at all')
      .max(8, 'at most 8')
      .optional()
      .openapi({ description: 'Only the variants for these. Absent: all that there are.' }),
    draft: z.boolean().optional().openapi({ description: 'true: machines boot the version only once it is promoted.' }),
    recipe: imageName.optional().openapi({ description: 'The name of a recipe.' }),
    mirror: z
      .url({ protocol: /^https?$/, error: 'an http or https URL' })
      .max(1024, 'at most 1024 characters')
      .optional()
      .openapi({ description: "For a recipe: instead of the distribution's own server." }),
    url: z.string().max(4096, 'at most 4096 characters').optional().openapi({
      description: 'Of an ISO, of an archive of netboot files, of an EFI program (.efi) or of an iPXE script (.ipxe).',
      example: 'https://deb.debian.org/debian/dists/bookworm/main/installer-amd64/current/images/netboot/mini.iso',
    }),
    sha256: sha256.optional().openapi({ description: 'What the bytes of `url` must hash to.' }),
    sha512: sha512.optional().openapi({ description: 'What the bytes of `url` must hash to.' }),
    file: sha256.optional().openapi({ description: 'An uploaded ISO or archive.' }),
    keepIso: z
      .boolean()
      .optional()
      .openapi({ description: 'For `url` and `file`: its installers get the ISO itself too, below {{ tree }}.' }),
    wimboot: fileRef
      .optional()
      .openapi({ description: 'For Windows: the program of https://ipxe.org/wimboot, uploaded.' }),
  })
  .superRefine((body, context) => {
    const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    const kinds = (['recipe', 'url', 'file'] as const).filter((kind) => body[kind] !== undefined)
    if (kinds.length !== 1) return refuse(kinds[1] ?? 'recipe', 'one of recipe, url and file, and only one')
    const [kind = 'recipe'] = kinds
    const only = {
      mirror: ['recipe'],
      sha256: ['url'],
      sha512: ['url'],
      keepIso: ['url', 'file'],
      wimboot: ['url', 'file'],
    }
    for (const [field, kinds] of Object.entries(only))
      if (body[field as keyof typeof only] !== undefined && !kinds.includes(kind))
        refuse(field, `nothing: it is for ${kinds.join(' and ')}`)
  })
  .openapi('ImportRequest')

const importSchema = z
  .object({
    id: uuidv7,
    image: imageName.optional().openapi({ description: 'Absent until it is known.' }),
    source: z.string().openapi({ description: 'What is fetched.', example: 'recipe debian-12' }),
    kind: z.enum(['recipe', 'url', 'file']),
    state: z.enum(importStates),
    doing: z.string().openapi({ example: 'downloading debian-12.iso 43%' }),
    doneBytes: z.int().min(0).openapi({ description: 'Of what is being done.' }),
    totalBytes: z.int().min(0).optional().openapi({ description: 'Absent while nobody knows it.' }),
    message: z
      .string()
      .optional()
      .openapi({ description: 'Why it failed; of one that is done, what should be known before it is booted.' }),
    version: z.int().optional().openapi({ description: 'The version of the image that it made.' }),
    actor: z.string().openapi({ description: 'Who asked for it.' }),
    createdAt: moment,
    updatedAt: moment,
    endedAt: moment.optional(),
  })
  .openapi('Import', { description: 'An image on its way in: what is fetched, how far it is, and how it ended.' })

const params = z.object({ id: uuidv7 })

export const create = endpoint({
  operationId: 'createImport',
  summary: 'Fetch an image: by a recipe, from a URL, or from an uploaded ISO',
  description:
    'The server fetches it by itself, also after a restart: see how far it is at the address that is answered. The image is there when all of it is. Its variants take the place of those for the same architectures. What arrived of one that failed is kept for some days, for the next to go on with.',
  body: request,
  returns: importSchema,
  statuses: { 202: 'It waits, or runs' },
  answer: async ({ db, intake }, { body, by }) => {
    const plan = await planOf({ db, intake }, body)
    const image = body.image ?? (plan.kind === 'recipe' ? plan.recipe : undefined)
    const made = await createImport(db, { image, plan, server: intake.server }, by)
    // Once the transaction of an idempotent request is over.
    setImmediate(intake.wake)
    return { status: 202, body: bodyOf(made), headers: { location: `/api/v1/imports/${made.id}` } }
  },
})

export const list = endpoint({
  operationId: 'listImports',
  summary: 'Imports, newest first',
  query: z.strictObject({
    limit,
    before: uuidv7.optional().openapi({ description: 'The `next` of the page before.' }),
    image: imageName.optional(),
    state: z
      .enum([...importStates, 'open'])
      .optional()
      .openapi({ description: 'open: waiting or running.' }),
  }),
  returns: pageOf(importSchema).openapi('ImportList'),
  statuses: { 200: 'One page' },
  answer: async ({ db }, { query: { limit: most, before, image, state } }) => {
    const states = state === undefined ? undefined : state === 'open' ? (['waiting', 'running'] as const) : [state]
    const filter = { image, states: states && [...states] }
    const { items, ...next } = await page(
      most,
      (count) => listImports(db, filter, count, before),
      (one) => one.id,
    )
    return { status: 200, body: { items: items.map(bodyOf), ...next } }
  },
})

export const get = endpoint({
  operationId: 'getImport',
  summary: 'How far an import is, or how it ended',
  params,
  returns: importSchema,
  statuses: { 200: 'The import' },
  answer: async ({ db }, { params: { id } }) => {
    const found = await findImport(db, id)
    if (found === undefined) throw new NotFoundError(`there is no import ${id}`)
    return { status: 200, body: bodyOf(found) }
  },
})

export const cancel = endpoint({
  operationId: 'cancelImport',
  summary: 'Cancel an import that waits or runs; what arrived of it is thrown away',
  params,
  returns: importSchema,
  statuses: { 200: 'It is cancelled' },
  answer: async ({ db, intake }, { params: { id }, by }) => {
    const cancelled = await cancelImport(db, id, by)
    setImmediate(intake.wake)
    return { status: 200, body: bodyOf(cancelled) }
  },
})

/** @throws InputError for a recipe, URL or file that cannot be imported, as far as that is known now */
async function planOf(
  { db, intake }: Pick<AdminDeps, 'db' | 'intake'>,
  body: z.output<typeof request>,
): Promise<ImportPlan> {
  const { recipe, mirror, url, sha256: hash, sha512: longHash, file, keepIso = false, wimboot } = body
  const { archs, title, installer, draft } = body
  const common = { title, installer, draft, ...(archs && { archs: [...new Set(archs)] }) }
  if (recipe !== undefined) {
    requireArchs(await findRecipe(intake, recipe), archs)
    return { ...common, kind: 'recipe', recipe, ...(mirror !== undefined && { mirror: mirror.replace(/\/+$/, '') }) }
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

function bodyOf({ plan, server: _, seq: __, ...row }: Import) {
  return { ...withoutNulls(row), source: sourceOf(plan), kind: plan.kind }
}
