import { z } from '@hono/zod-openapi'
import { countImageMachines } from '../../decide/image-uses.ts'
import { etagOf } from '../../inventory/common/precondition.ts'
import { deleteImage, findImage, listImages, patchImage, saveImage } from '../../inventory/images/images.ts'
import { NotFoundError } from '../../lib/errors.ts'
import { endpoint } from '../http/endpoint.ts'
import { imageName, limit, moment, page, pageOf, printable, withoutNulls } from '../schemas/common.ts'
import { variant } from '../schemas/images/variant.ts'

const variants = z.array(variant).min(1, 'at least one variant').max(16, 'at most 16 variants')
const title = printable(128).openapi({ example: 'Debian 12' })
export const version = z.int().min(1).max(2_147_483_647)

const day = z.iso
  .date({ error: 'a day, 2028-06-30' })
  .openapi({ example: '2028-06-30', description: 'The last day with updates.' })
const endOfLife = day.nullable().optional().openapi({ description: 'null takes it away.' })

const installerText = "Booting it may write to the machine's disk, by its recipe, its layout or an operator."
const installer = z
  .boolean()
  .nullable()
  .optional()
  .openapi({
    description: `${installerText} It belongs to the version: a draft's applies once it is promoted. null takes it away.`,
  })

const imageSchema = z
  .object({
    name: imageName,
    title: z.string(),
    version: version.openapi({ description: 'The version that machines boot now.' }),
    variants: z.array(variant),
    endOfLife: day.optional(),
    installer: z
      .boolean()
      .optional()
      .openapi({ description: `${installerText} Absent: nobody decided.` }),
    revision: z.int(),
    createdAt: moment,
    updatedAt: moment,
  })
  .openapi('Image')

const saved = imageSchema
  .extend({ draft: version.optional().openapi({ description: 'The version that was added and not promoted.' }) })
  .openapi('ImageSaved')

const params = z.object({ name: imageName })

export const list = endpoint({
  operationId: 'listImages',
  summary: 'Images by name',
  query: z.strictObject({
    limit,
    after: imageName.optional().openapi({ description: 'The `next` of the page before.' }),
  }),
  returns: pageOf(imageSchema).openapi('ImageList'),
  statuses: { 200: 'One page' },
  answer: async ({ db }, { query }) => ({
    status: 200,
    body: await page(
      query.limit,
      async (count) => (await listImages(db, count, query.after)).map(withoutNulls),
      (one) => one.name,
    ),
  }),
})

export const get = endpoint({
  operationId: 'getImage',
  summary: 'An image with its current version',
  params,
  returns: imageSchema,
  statuses: { 200: 'The image' },
  answer: async ({ db }, { params: { name } }) => {
    const image = await findImage(db, name)
    if (image === undefined) throw new NotFoundError(`there is no image ${name}`)
    return { status: 200, body: withoutNulls(image), headers: { etag: etagOf(image) } }
  },
})

export const put = endpoint({
  operationId: 'putImage',
  summary: 'Add an image, or a new version of it',
  description:
    'Variants other than those of the current version become a new version, which machines boot from then on.',
  params,
  body: z
    .strictObject({
      title: title.optional(),
      endOfLife,
      installer,
      variants,
      draft: z.boolean().optional().openapi({
        description:
          'true adds the variants as a version that machines boot only once it is promoted. The first version of an image is never one.',
      }),
      source: printable(512)
        .optional()
        .openapi({ description: 'Where the variants came from; kept with their version.' }),
    })
    .openapi('ImagePut'),
  conditional: true,
  returns: saved,
  statuses: { 200: 'The image, as it is now', 201: 'The image, new' },
  answer: async ({ db }, { params: { name }, body, precondition, by }) => {
    const { image, created, draft } = await saveImage(db, name, body, precondition, by)
    const headers = { etag: etagOf(image), ...(created && { location: `/api/v1/images/${name}` }) }
    return {
      status: created ? 201 : 200,
      body: { ...withoutNulls(image), ...(draft !== undefined && { draft }) },
      headers,
    }
  },
})

export const patch = endpoint({
  operationId: 'patchImage',
  summary:
    "Change an image's title, its end of life or whether it is an installer, or promote another version of it (a roll back is that)",
  params,
  body: z
    .strictObject({ title: title.optional(), version: version.optional(), endOfLife, installer })
    .openapi('ImagePatch'),
  conditional: true,
  returns: imageSchema,
  statuses: { 200: 'The image, changed' },
  answer: async ({ db }, { params: { name }, body, precondition, by }) => {
    const image = await patchImage(db, name, body, precondition, by)
    return { status: 200, body: withoutNulls(image), headers: { etag: etagOf(image) } }
  },
})

export const uses = endpoint({
  operationId: 'countImageMachines',
  summary: 'Count the machines that boot an image now',
  description:
    'By their own assignment, by a group or by the policy, without those that a deployment or a menu entry may have boot it. At most the first 20,000 machines are looked at.',
  params,
  returns: z
    .object({
      machines: z.int(),
      more: z.boolean().openapi({ description: 'There are machines that were not looked at.' }),
    })
    .openapi('ImageUses'),
  statuses: { 200: 'The number' },
  answer: async ({ db }, { params: { name } }) => {
    if ((await findImage(db, name)) === undefined) throw new NotFoundError(`there is no image ${name}`)
    return { status: 200, body: await countImageMachines(db, name) }
  },
})

export const remove = endpoint({
  operationId: 'deleteImage',
  summary: 'Delete an image that nothing is assigned any more; its files stay',
  params,
  conditional: true,
  statuses: { 204: 'It is gone' },
  answer: async ({ db }, { params: { name }, precondition, by }) => {
    await deleteImage(db, name, precondition, by)
    return { status: 204 }
  },
})
