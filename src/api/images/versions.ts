import { z } from '@hono/zod-openapi'
import { etagOf } from '../../inventory/common/precondition.ts'
import { type DiffFile, diffVariants } from '../../inventory/images/diff.ts'
import { sizesOf } from '../../inventory/images/files.ts'
import { findImage } from '../../inventory/images/images.ts'
import {
  deleteImageVersion,
  findImageVersion,
  findRollback,
  listImageVersions,
} from '../../inventory/images/versions.ts'
import { NotFoundError } from '../../lib/errors.ts'
import { endpoint } from '../http/endpoint.ts'
import { arch, imageName, moment, platform, sha256, withoutNulls } from '../schemas/common.ts'
import { variant } from '../schemas/images/variant.ts'
import { version } from './images.ts'

const versionSchema = z
  .object({
    version,
    current: z.boolean(),
    variants: z.array(variant),
    source: z.string().optional().openapi({ description: 'What was imported; absent: put together by hand.' }),
    installer: z
      .boolean()
      .optional()
      .openapi({ description: "Booting it may write to the machine's disk. Absent: nobody decided." }),
    createdAt: moment,
  })
  .openapi('ImageVersion')

// A version in a path or a query comes as text.
const versionText = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, 'the number of a version')
  .transform(Number)
  .openapi({ type: 'integer', minimum: 1, example: 2 })

const ofImage = z.object({ name: imageName })
const ofVersion = z.object({ name: imageName, version: versionText })

export const list = endpoint({
  operationId: 'listImageVersions',
  summary: "All of an image's versions, newest first",
  params: ofImage,
  returns: z
    .object({
      items: z.array(versionSchema),
      rollback: version.optional().openapi({
        description:
          'The version that a roll back goes to, by PATCH of the image: the one that machines booted before the current one came. Absent: there is none.',
      }),
    })
    .openapi('ImageVersionList'),
  statuses: { 200: 'The versions' },
  answer: async ({ db }, { params: { name } }) => {
    const image = await findImage(db, name)
    if (image === undefined) throw new NotFoundError(`there is no image ${name}`)
    const items = (await listImageVersions(db, name)).map(withoutNulls)
    const rollback = await findRollback(db, image)
    return {
      status: 200,
      body: { items, ...(rollback !== undefined && { rollback }) },
      headers: { etag: etagOf(image) },
    }
  },
})

export const get = endpoint({
  operationId: 'getImageVersion',
  summary: 'One version of an image',
  params: ofVersion,
  returns: versionSchema,
  statuses: { 200: "The version; the ETag is the image's" },
  answer: async ({ db }, { params: { name, version: number } }) => {
    const found = await findImageVersion(db, name, number)
    const image = await findImage(db, name)
    return { status: 200, body: withoutNulls(found), ...(image && { headers: { etag: etagOf(image) } }) }
  },
})

export const remove = endpoint({
  operationId: 'deleteImageVersion',
  summary: 'Delete a version that is not the current one and that no machine boots now; its files stay',
  params: ofVersion,
  conditional: true,
  statuses: { 204: 'It is gone' },
  answer: async ({ db }, { params: { name, version: number }, precondition, by }) => {
    await deleteImageVersion(db, name, number, precondition, by)
    return { status: 204 }
  },
})

const diffFile = z.object({ sha256, name: z.string(), sizeBytes: z.int().optional() })
const diffSchema = z
  .object({
    from: version,
    to: version,
    variants: z.array(
      z.object({
        arch,
        platform: platform.optional(),
        change: z.enum(['added', 'removed', 'changed']),
        files: z.array(
          z.object({
            role: z.string().openapi({ example: 'initrd initrd.gz' }),
            from: diffFile.optional(),
            to: diffFile.optional(),
          }),
        ),
        args: z.object({
          removed: z.array(z.string()),
          added: z.array(z.string()),
          reordered: z.boolean().openapi({ description: 'The same arguments in another order.' }),
        }),
        fields: z.array(z.object({ field: z.string(), from: z.string().optional(), to: z.string().optional() })),
      }),
    ),
  })
  .openapi('ImageDiff', { description: 'What is different; variants that are the same are left out.' })

export const diff = endpoint({
  operationId: 'diffImageVersions',
  summary: 'What is different between two versions of an image',
  params: ofImage,
  query: z.strictObject({
    from: versionText.optional().openapi({ description: 'Absent: the version that a roll back would go to.' }),
    to: versionText.optional().openapi({ description: 'Absent: the current version.' }),
  }),
  returns: diffSchema,
  statuses: { 200: 'The differences' },
  answer: async ({ db }, { params: { name }, query }) => {
    const image = await findImage(db, name)
    if (image === undefined) throw new NotFoundError(`there is no image ${name}`)
    const from = query.from ?? (await findRollback(db, image))
    if (from === undefined) throw new NotFoundError(`image ${name} has no version before ${image.version}`)
    const to = query.to ?? image.version
    const [before, after] = [await findImageVersion(db, name, from), await findImageVersion(db, name, to)]
    const differing = diffVariants(before.variants, after.variants)
    const sides = differing.flatMap(({ files }) => files.flatMap((one) => [one.from, one.to]))
    const sizes = await sizesOf(
      db,
      sides.flatMap((one) => one?.sha256 ?? []),
    )
    const sized = (file: DiffFile | undefined) => file && { ...file, sizeBytes: sizes.get(file.sha256) }
    const variants = differing.map((one) => ({
      ...one,
      files: one.files.map(({ role, ...file }) => ({ role, from: sized(file.from), to: sized(file.to) })),
    }))
    return { status: 200, body: { from, to, variants } }
  },
})
