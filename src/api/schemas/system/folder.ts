// Request and response schemas of folders: groups, menus, answer files, images, recipes and the policy as one whole.
import { z } from '@hono/zod-openapi'
import { defaultOwner, folderKinds } from '../../../model/folder/folder.ts'
import { imageName, onlyTrue, textFlag } from '../common.ts'
import { answerFilePut } from '../images/answer-file.ts'
import { imagePut } from '../images/image.ts'
import { recipePut } from '../images/recipe.ts'
import type { Given, Sent } from '../json.ts'
import { thingName } from '../machines/assignment.ts'
import { changeQuery, concerns } from '../machines/concerns.ts'
import { groupPut } from '../machines/group.ts'
import { menuPut } from '../machines/menu.ts'
import { policySchema } from '../machines/policy.ts'

const maxThings = 2000
const limited = <Item extends z.ZodType>(item: Item) => z.array(item).max(maxThings, `at most ${maxThings} of a kind`)

const { title, endOfLife, installer, variants } = imagePut.shape

export const folderImage = z
  .strictObject({
    name: imageName,
    title,
    endOfLife,
    installer,
    recipe: imageName.optional().openapi({
      description: 'The recipe that made the image. The image must be on the server already, in any version.',
    }),
    variants: variants.optional().openapi({
      description: 'The variants, with the hashes of their files. The files must be on the server already.',
    }),
  })
  .refine((image) => (image.recipe === undefined) !== (image.variants === undefined), {
    path: ['variants'],
    message: 'either a recipe or variants',
  })
  .openapi('FolderImage', { description: 'Fields that are left out stay as they are on the server.' })

const folder = {
  policy: policySchema.optional().openapi({ description: 'If absent, the policy stays.' }),
  groups: limited(groupPut.safeExtend({ name: thingName }).openapi('FolderGroup')),
  menus: limited(menuPut.safeExtend({ name: thingName }).openapi('FolderMenu')),
  answerFiles: limited(answerFilePut.safeExtend({ name: thingName }).openapi('FolderAnswerFile')),
  images: limited(folderImage),
  recipes: limited(recipePut.safeExtend({ name: imageName }).openapi('FolderRecipe')),
}

const owner = thingName.openapi({ description: 'The name of the folder.', example: 'site-a' })

export const applyQuery = changeQuery.extend({
  dryRun: textFlag.openapi({ description: 'true: change nothing, and answer with the plan.' }),
})

export const applyRequest = z
  .strictObject({
    owner: owner.default(defaultOwner),
    prune: onlyTrue.optional().openapi({
      description: 'Delete what this owner applied before and this folder does not have. Anything in use refuses all.',
    }),
    pruneUsed: onlyTrue.optional().openapi({ description: 'Delete groups too that machines match.' }),
    take: onlyTrue.optional().openapi({ description: 'Take over things that another folder owns.' }),
    policy: folder.policy,
    groups: folder.groups.default([]),
    menus: folder.menus.default([]),
    answerFiles: folder.answerFiles.default([]),
    images: folder.images.default([]),
    recipes: folder.recipes.default([]),
  })
  .refine(
    ({ policy, groups, menus, answerFiles, images, recipes }) =>
      policy !== undefined || [groups, menus, answerFiles, images, recipes].some((list) => list.length > 0),
    { path: ['groups'], message: 'at least one thing: an empty folder is an accident' },
  )
  .refine(({ prune, pruneUsed }) => prune || !pruneUsed, { path: ['pruneUsed'], message: 'prune together with it' })
  .openapi('ApplyRequest')
export type ApplyRequest = Sent<typeof applyRequest>

const form = z.record(z.string(), z.unknown()).optional()

export const applyResult = z
  .object({
    dryRun: z.boolean(),
    owner,
    created: z.int(),
    changed: z.int(),
    unchanged: z.int(),
    deleted: z.int(),
    etag: z.string().openapi({
      description: 'The state that the plan starts from. Send it as If-Match to apply exactly this plan.',
    }),
    concerns,
    items: z
      .array(
        z
          .object({
            kind: z.enum([...folderKinds, 'policy']),
            name: z.string().optional().openapi({ description: 'Absent for the policy.' }),
            outcome: z.enum(['created', 'changed', 'unchanged', 'deleted']),
            adopted: z.boolean().optional().openapi({ description: 'true: no folder owned it until now.' }),
            takenFrom: z.string().optional().openapi({ description: 'The folder that owned it until now.' }),
            before: form.openapi({ description: 'As the folder would have it. Absent for a new thing.' }),
            after: form,
            machines: z.int().optional().openapi({
              description:
                'For a group that is deleted, the machines that match it. For an image with other variants, the machines that boot it. At most the first 20,000 machines are counted.',
            }),
            refused: z.string().optional().openapi({ description: 'Only in a plan: why it cannot be deleted.' }),
          })
          .openapi('AppliedThing'),
      )
      .openapi({ description: 'The changes. Things that stay as they are and keep their owner are left out.' }),
  })
  .openapi('ApplyResult')
export type ApplyResult = Given<typeof applyResult>

export const exportQuery = z.strictObject({
  owner: owner.optional().openapi({ description: 'Only what this folder owns, without the policy.' }),
})

export const exportedFolder = z
  .object({
    ...folder,
    omitted: z
      .array(z.string())
      .openapi({ description: 'The parts of the inventory that no folder has, in words: bytes of files, secrets.' }),
  })
  .openapi('ExportedFolder')
export type ExportedFolder = Given<typeof exportedFolder>
