// /images: what machines can boot.
import { z } from '@hono/zod-openapi'
import { countImageMachines } from '../../decide/concerns/image-uses.ts'
import { etagOf } from '../../inventory/common/precondition.ts'
import { deleteImage, findImage, listImages, patchImage, saveImage } from '../../inventory/images/images.ts'
import { listImageSummaries } from '../../inventory/images/summaries.ts'
import { findUses, isNamed } from '../../inventory/machines/references.ts'
import { requireFound } from '../../lib/errors.ts'
import { counted, deletion } from '../changes/counted.ts'
import { endpoint } from '../http/endpoint.ts'
import { page, withoutNulls } from '../http/page.ts'
import { imageName, listQuery } from '../schemas/common.ts'
import {
  imageList,
  imagePatch,
  imagePatched,
  imagePut,
  imageSaved,
  imageSchema,
  imageSummaryList,
  imageUses,
} from '../schemas/images/image.ts'
import { changeQuery, deletedSchema } from '../schemas/machines/concerns.ts'

const params = z.object({ name: imageName })

export const list = endpoint({
  operationId: 'listImages',
  action: 'inventory.read',
  scope: 'any',
  summary: 'List images by name',
  query: listQuery(imageName),
  returns: imageList,
  statuses: { 200: 'One page' },
  answer: async ({ db }, { query }) => ({
    status: 200,
    body: await page(
      query.limit,
      async (count) => (await listImages(db, count, query.after)).map(withoutNulls),
      (image) => image.name,
    ),
  }),
})

export const summaries = endpoint({
  operationId: 'listImageSummaries',
  action: 'inventory.read',
  summary: 'List images in brief, with their sizes and the number of things that name them',
  query: listQuery(imageName),
  returns: imageSummaryList,
  statuses: { 200: 'One page' },
  answer: async ({ db }, { query }) => ({
    status: 200,
    body: await page(
      query.limit,
      async (count) => (await listImageSummaries(db, count, query.after)).map(withoutNulls),
      (image) => image.name,
    ),
  }),
})

export const get = endpoint({
  operationId: 'getImage',
  action: 'inventory.read',
  scope: 'any',
  summary: 'Get an image with its current version',
  params,
  returns: imageSchema,
  statuses: { 200: 'The image' },
  answer: async ({ db }, { params: { name } }) => {
    const image = await findImage(db, name)
    requireFound(image, `image ${name}`)
    return { status: 200, body: withoutNulls(image), headers: { etag: etagOf(image) } }
  },
})

export const put = endpoint({
  operationId: 'putImage',
  action: 'images.edit',
  summary: 'Add an image, or a new version of an image',
  description:
    'If the variants differ from those of the current version, they become a new version. If something names the image, the version is a draft, which machines boot only after it is promoted.',
  params,
  query: changeQuery,
  body: imagePut,
  conditional: true,
  returns: imageSaved,
  statuses: { 200: 'The image as it is now', 201: 'Image added' },
  answer: async ({ db }, { params: { name }, query, body, precondition, by }) => {
    const change = { ...body, draft: body.draft ?? ('named' as const) }
    const { result, concerns } = await counted(db, query, (on) => saveImage(on, name, change, precondition, by))
    const { image, created, draft } = result
    const headers = { etag: etagOf(image), ...(created && { location: `/api/v1/images/${name}` }) }
    return {
      status: created ? 201 : 200,
      body: { ...withoutNulls(image), ...(draft !== undefined && { draft }), ...(concerns && { concerns }) },
      headers,
    }
  },
})

export const patch = endpoint({
  operationId: 'patchImage',
  action: 'images.edit',
  summary: 'Change an image, or promote a version of it',
  description:
    'Promoting an earlier version is a rollback. With `from` or If-Match, a promotion fails if somebody else promoted a version meanwhile.',
  params,
  query: changeQuery,
  body: imagePatch,
  conditional: true,
  returns: imagePatched,
  statuses: { 200: 'Image changed' },
  answer: async ({ db }, { params: { name }, query, body, precondition, by }) => {
    const patched = await counted(db, query, (on) => patchImage(on, name, body, precondition, by))
    const { result: image, concerns } = patched
    const answer = { ...withoutNulls(image), ...(concerns && { concerns }) }
    return { status: 200, body: answer, headers: { etag: etagOf(image) } }
  },
})

export const uses = endpoint({
  operationId: 'countImageMachines',
  action: 'inventory.read',
  summary: 'Count the machines that boot an image now, and list what names the image',
  description:
    'Counts machines that boot it by their own assignment, a group or the policy. Deployments and menu entries do not count. If a limit of time is reached, `more` is true.',
  params,
  returns: imageUses,
  statuses: { 200: 'The number' },
  answer: async ({ db }, { params: { name } }) => {
    requireFound(await findImage(db, name), `image ${name}`)
    const uses = await findUses(db, 'image', name)
    return { status: 200, body: { ...uses, ...(await countImageMachines(db, name)), draft: isNamed(uses) } }
  },
})

export const remove = endpoint({
  operationId: 'deleteImage',
  action: 'images.delete',
  summary: 'Delete an image that nothing refers to',
  params,
  query: changeQuery,
  conditional: true,
  returns: deletedSchema,
  statuses: { 200: 'With `count` or `dryRun`: the machines that it concerns', 204: 'Image deleted; its files stay' },
  answer: async ({ db }, { params: { name }, query, precondition, by }) =>
    deletion(await counted(db, query, (on) => deleteImage(on, name, precondition, by))),
})
