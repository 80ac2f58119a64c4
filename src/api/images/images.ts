// /images: what machines can boot.
import { z } from '@hono/zod-openapi'
import { countImageMachines } from '../../decide/image-uses.ts'
import { etagOf } from '../../inventory/common/precondition.ts'
import { deleteImage, findImage, listImages, patchImage, saveImage } from '../../inventory/images/images.ts'
import { listImageSummaries } from '../../inventory/images/summaries.ts'
import { findUses } from '../../inventory/machines/references.ts'
import { requireFound } from '../../lib/errors.ts'
import { endpoint } from '../http/endpoint.ts'
import { page, withoutNulls } from '../http/page.ts'
import { imageName, listQuery } from '../schemas/common.ts'
import {
  imageList,
  imagePatch,
  imagePut,
  imageSaved,
  imageSchema,
  imageSummaryList,
  imageUses,
} from '../schemas/images/image.ts'

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
    'If the variants differ from those of the current version, they become a new version, which machines boot from then on.',
  params,
  body: imagePut,
  conditional: true,
  returns: imageSaved,
  statuses: { 200: 'The image as it is now', 201: 'Image added' },
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
  action: 'images.edit',
  summary: 'Change an image, or promote a version of it',
  description: 'Promoting an earlier version is a rollback.',
  params,
  body: imagePatch,
  conditional: true,
  returns: imageSchema,
  statuses: { 200: 'Image changed' },
  answer: async ({ db }, { params: { name }, body, precondition, by }) => {
    const image = await patchImage(db, name, body, precondition, by)
    return { status: 200, body: withoutNulls(image), headers: { etag: etagOf(image) } }
  },
})

export const uses = endpoint({
  operationId: 'countImageMachines',
  action: 'inventory.read',
  summary: 'Count the machines that boot an image now, and list what names the image',
  description:
    'Counts machines that boot it by their own assignment, a group or the policy. Deployments and menu entries do not count. At most the first 20,000 machines are counted.',
  params,
  returns: imageUses,
  statuses: { 200: 'The number' },
  answer: async ({ db }, { params: { name } }) => {
    requireFound(await findImage(db, name), `image ${name}`)
    return { status: 200, body: { ...(await findUses(db, 'image', name)), ...(await countImageMachines(db, name)) } }
  },
})

export const remove = endpoint({
  operationId: 'deleteImage',
  action: 'images.delete',
  summary: 'Delete an image that nothing refers to',
  params,
  conditional: true,
  statuses: { 204: 'Image deleted; its files stay' },
  answer: async ({ db }, { params: { name }, precondition, by }) => {
    await deleteImage(db, name, precondition, by)
    return { status: 204 }
  },
})
