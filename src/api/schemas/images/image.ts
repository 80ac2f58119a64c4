// Request and response schemas of an image.
import { z } from '@hono/zod-openapi'
import { variantKinds } from '../../../model/image.ts'
import { arch, day, history, imageName, moment, pageOf, printable, version } from '../common.ts'
import type { Given, Sent } from '../json.ts'
import { concerns } from '../machines/concerns.ts'
import { usesSchema } from '../machines/uses.ts'
import { variantSchema } from './variant.ts'

const variants = z.array(variantSchema).min(1, 'at least one variant').max(16, 'at most 16 variants')
const title = printable(128).openapi({ example: 'Debian 12' })
const endOfLife = day.nullable().optional().openapi({ description: 'The last day with updates. null removes it.' })

const installerText = 'Booting the image may write to the disk of the machine.'
const installer = z
  .boolean()
  .nullable()
  .optional()
  .openapi({
    description: `${installerText} The value belongs to the version; that of a draft applies after the draft is promoted. null removes it.`,
  })

/** For the documentation of `draft`. */
export const draftText =
  'true: add the new version as a draft, which machines boot only after it is promoted. false: promote it at once. If absent, it is a draft if a machine, a group, a menu, the policy or an active deployment names the image. The first version of an image is never a draft.'

export const imageSchema = z
  .object({
    name: imageName,
    title: z.string(),
    version: version.openapi({ description: 'The version that machines boot now.' }),
    variants: z.array(variantSchema),
    endOfLife: day.optional(),
    installer: z
      .boolean()
      .optional()
      .openapi({ description: `${installerText} If absent, nothing is decided.` }),
    ...history,
  })
  .openapi('Image')
export type Image = Given<typeof imageSchema>

export const imageList = pageOf(imageSchema).openapi('ImageList')

export const imagePut = z
  .strictObject({
    title: title.optional(),
    endOfLife,
    installer,
    variants,
    draft: z.boolean().optional().openapi({ description: draftText }),
    source: printable(512).optional().openapi({ description: 'The origin of the variants, kept with their version.' }),
  })
  .openapi('ImagePut')
export type ImagePut = Sent<typeof imagePut>

export const imageSaved = imageSchema
  .extend({ draft: version.optional().openapi({ description: 'The version that was added as a draft.' }), concerns })
  .openapi('ImageSaved')
export type ImageSaved = Given<typeof imageSaved>

export const imagePatch = z
  .strictObject({
    title: title.optional(),
    version: version.optional().openapi({ description: 'The version that machines boot from now on.' }),
    from: version.optional().openapi({
      description:
        'The version that machines boot until now. If another version is current, nothing changes, and the answer is a conflict (409) that says who promoted it.',
    }),
    endOfLife,
    installer,
  })
  .openapi('ImagePatch')

export const imagePatched = imageSchema.extend({ concerns }).openapi('ImagePatched')
export type ImagePatched = Given<typeof imagePatched>

export const nextVersion = z
  .object({
    draft: z.boolean().openapi({ description: 'The version would be a draft. Otherwise, machines boot it at once.' }),
    version: version.optional().openapi({ description: 'The current version. Absent for a new image.' }),
    machines: z.int().openapi({ description: 'The number of machines that boot the image now.' }),
    more: z.boolean().openapi({ description: 'There are machines that were not counted.' }),
  })
  .openapi('NextImageVersion', { description: 'The next version of an image, if its files differ.' })
export type NextVersion = Given<typeof nextVersion>

export const imageUses = usesSchema
  .extend({
    machines: z.int().openapi({ description: 'The number of machines that boot the image now.' }),
    more: z.boolean().openapi({ description: 'There are machines that were not counted.' }),
    draft: z.boolean().openapi({ description: 'By default, a new version is a draft: something names the image.' }),
  })
  .openapi('ImageUses')
export type ImageUses = Given<typeof imageUses>

export const imageSummary = z
  .object({
    name: imageName,
    title: z.string(),
    version: version.openapi({ description: 'The version that machines boot now.' }),
    newestVersion: version.openapi({ description: 'The highest version. It may be a draft.' }),
    versions: z.int().openapi({ description: 'The number of versions.' }),
    archs: z.array(arch),
    kinds: z.array(z.enum(variantKinds)),
    sizeBytes: z.int().openapi({ description: 'The size of all files of the current version.' }),
    damagedFiles: z.int().openapi({ description: 'The number of corrupted files of the current version.' }),
    endOfLife: day.optional(),
    installer: z
      .boolean()
      .optional()
      .openapi({ description: `${installerText} If absent, nothing is decided.` }),
    source: z.string().optional().openapi({ description: 'The source of the import.' }),
    versionAt: moment.openapi({ description: 'When the current version was added.' }),
    uses: z
      .object({
        assigned: z.int().openapi({ description: 'The number of machines whose own assignment names the image.' }),
        groups: z.int().openapi({ description: 'The number of groups that assign the image.' }),
        menus: z.int().openapi({ description: 'The number of menus with the image.' }),
        policy: z.boolean().openapi({ description: 'The policy boots the image.' }),
        deployments: z.int().openapi({ description: 'The number of active deployments of the image.' }),
      })
      .openapi('ImageReferenceCounts'),
  })
  .openapi('ImageSummary', { description: 'An image without its variants.' })
export type ImageSummary = Given<typeof imageSummary>

export const imageSummaryList = pageOf(imageSummary).openapi('ImageSummaryList')
export type ImageSummaryList = Given<typeof imageSummaryList>
