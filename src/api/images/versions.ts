// /images/{name}/versions: the versions of an image, and their differences.
import { z } from '@hono/zod-openapi'
import { etagOf } from '../../inventory/common/precondition.ts'
import { type DiffFile, diffVariants } from '../../inventory/images/diff.ts'
import { listFilesOf, sizesOf } from '../../inventory/images/files.ts'
import { findImage } from '../../inventory/images/images.ts'
import {
  deleteImageVersion,
  findImageVersion,
  findRollback,
  listImageVersions,
} from '../../inventory/images/versions.ts'
import { NotFoundError, requireFound } from '../../lib/errors.ts'
import { filesOf } from '../../model/image.ts'
import { counted, deletion } from '../changes/counted.ts'
import { endpoint } from '../http/endpoint.ts'
import { withoutNulls } from '../http/page.ts'
import { imageName } from '../schemas/common.ts'
import {
  diffQuery,
  diffSchema,
  versionFileList,
  versionList,
  versionParams,
  versionSchema,
} from '../schemas/images/version.ts'
import { changeQuery, deletedSchema } from '../schemas/machines/concerns.ts'

const ofImage = z.object({ name: imageName })

export const list = endpoint({
  operationId: 'listImageVersions',
  action: 'inventory.read',
  scope: 'any',
  summary: 'List the versions of an image, newest first',
  params: ofImage,
  returns: versionList,
  statuses: { 200: 'The versions' },
  answer: async ({ db }, { params: { name } }) => {
    const image = await findImage(db, name)
    requireFound(image, `image ${name}`)
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
  action: 'inventory.read',
  scope: 'any',
  summary: 'Get a version of an image',
  params: versionParams,
  returns: versionSchema,
  statuses: { 200: 'The version; the ETag is that of the image' },
  answer: async ({ db }, { params: { name, version: number } }) => {
    const found = await findImageVersion(db, name, number)
    const image = await findImage(db, name)
    return { status: 200, body: withoutNulls(found), ...(image && { headers: { etag: etagOf(image) } }) }
  },
})

export const files = endpoint({
  operationId: 'listImageVersionFiles',
  action: 'inventory.read',
  scope: 'any',
  summary: 'List the files of a version of an image, with their sizes and their state',
  params: versionParams,
  returns: versionFileList,
  statuses: { 200: 'The files in the order of their downloads, each once' },
  answer: async ({ db }, { params: { name, version: number } }) => {
    const { variants } = await findImageVersion(db, name, number)
    const names = new Map(variants.flatMap(filesOf).map((file) => [file.sha256, file.name]))
    const records = new Map((await listFilesOf(db, [...names.keys()])).map((file) => [file.sha256, file]))
    const items = [...names].flatMap(([sha256, name]) => {
      const record = records.get(sha256)
      if (record === undefined) return []
      const { sizeBytes, checkedAt, damage } = record
      return [withoutNulls({ sha256, name, sizeBytes, checkedAt, damage })]
    })
    return { status: 200, body: { items, sizeBytes: items.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) } }
  },
})

export const remove = endpoint({
  operationId: 'deleteImageVersion',
  action: 'images.delete',
  summary: 'Delete an image version that is not current and that no machine boots',
  params: versionParams,
  query: changeQuery,
  conditional: true,
  returns: deletedSchema,
  statuses: { 200: 'With `count` or `dryRun`: the machines that it concerns', 204: 'Version deleted; its files stay' },
  answer: async ({ db }, { params: { name, version: number }, query, precondition, by }) =>
    deletion(await counted(db, query, (on) => deleteImageVersion(on, name, number, precondition, by))),
})

export const diff = endpoint({
  operationId: 'diffImageVersions',
  action: 'inventory.read',
  scope: 'any',
  summary: 'Compare two versions of an image',
  params: ofImage,
  query: diffQuery,
  returns: diffSchema,
  statuses: { 200: 'The differences' },
  answer: async ({ db }, { params: { name }, query }) => {
    const image = await findImage(db, name)
    requireFound(image, `image ${name}`)
    const from = query.from ?? (await findRollback(db, image))
    if (from === undefined) throw new NotFoundError(`image ${name} has no version before ${image.version}`)
    const to = query.to ?? image.version
    const [before, after] = [await findImageVersion(db, name, from), await findImageVersion(db, name, to)]
    const differing = diffVariants(before.variants, after.variants)
    const sides = differing.flatMap(({ files }) => files.flatMap(({ from, to }) => [from, to]))
    const sizes = await sizesOf(
      db,
      sides.flatMap((file) => file?.sha256 ?? []),
    )
    const sized = (file: DiffFile | undefined) => file && { ...file, sizeBytes: sizes.get(file.sha256) }
    const variants = differing.map((variant) => ({
      ...variant,
      files: variant.files.map(({ role, ...file }) => ({ role, from: sized(file.from), to: sized(file.to) })),
    }))
    return { status: 200, body: { from, to, variants } }
  },
})
