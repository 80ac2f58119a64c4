// Request and response schemas of recipes.
import { z } from '@hono/zod-openapi'
import { recipeOrigins } from '../../../model/image.ts'
import { arch, imageName, moment } from '../common.ts'
import type { Given, Sent } from '../json.ts'

const recipeImage = z
  .object({
    name: imageName,
    version: z.int(),
    recipeVersion: z
      .string()
      .optional()
      .openapi({ description: 'The version that the recipe found upstream.', example: '20230607+deb12u10' }),
    createdAt: moment,
    sizeBytes: z.int().openapi({ description: 'The size of all files of this version.' }),
  })
  .openapi('RecipeImage')

const origin = z.enum(recipeOrigins).openapi({
  description: 'Where the recipe is: it ships with Bootwright, is a file in the data folder, or is in the database.',
})

export const recipePut = z
  .strictObject({
    text: z
      .string()
      .min(1)
      .max(256 * 1024)
      .openapi({
        description:
          'The YAML text of the recipe. Its `keys` may have OpenPGP keys beside those that ship with Bootwright.',
      }),
  })
  .openapi('RecipePut')
export type RecipePut = Sent<typeof recipePut>

export const recipeText = z
  .object({
    name: imageName,
    origin,
    text: z.string(),
    revision: z.int().optional().openapi({ description: 'Absent for recipes that are not in the database.' }),
  })
  .openapi('RecipeText')
export type RecipeText = Given<typeof recipeText>

const recipeSchema = z
  .object({
    name: imageName,
    origin,
    title: z.string(),
    family: z.string().openapi({ example: 'debian' }),
    archs: z.array(arch),
    homepage: z.string().optional(),
    endOfLife: z.string().optional().openapi({ description: 'The last day with updates, YYYY-MM-DD.' }),
    noEndOfLife: z.string().optional().openapi({ description: 'Why there is no end of life.', example: 'rolling' }),
    installer: z
      .boolean()
      .optional()
      .openapi({ description: 'Booting the image may write to the disk of the machine.' }),
    answerFile: z.string().optional().openapi({ description: 'The kind of answer file that the installer reads.' }),
    minimumMemoryMb: z.int().optional(),
    mirror: z
      .object({ name: z.string(), url: z.string() })
      .optional()
      .openapi({ description: 'The name of the mirror in BOOTWRIGHT_MIRRORS, and the default URL.' }),
    notes: z.array(z.string()),
    hasVersions: z.boolean().openapi({ description: 'The recipe finds the newest version upstream at each import.' }),
    images: z.array(recipeImage).openapi({ description: 'The images whose current version came from the recipe.' }),
  })
  .openapi('Recipe', { description: 'Instructions for importing an image.' })
export type Recipe = Given<typeof recipeSchema>

const recipeFault = z
  .object({
    recipe: z.string().optional().openapi({ description: 'The name that the recipe of this file would have.' }),
    file: z.string().openapi({ example: '/var/lib/bootwright/recipes/debian-12.yaml' }),
    message: z.string().openapi({ example: 'title: expected string, got nothing' }),
  })
  .openapi('RecipeFault')

export const recipeList = z
  .object({
    items: z.array(recipeSchema),
    faults: z
      .array(recipeFault)
      .openapi({ description: 'The errors in files that are not valid recipes, one per entry.' }),
  })
  .openapi('RecipeList')
export type RecipeList = Given<typeof recipeList>

export const recipeCheck = z
  .object({
    newest: z.string().optional().openapi({ description: 'The newest version upstream. Absent if unknown.' }),
    images: z.array(
      recipeImage.extend({
        older: z.boolean().openapi({ description: 'Upstream has a newer version.' }),
      }),
    ),
    problem: z.string().optional().openapi({ description: 'Why the newest version is unknown.' }),
  })
  .openapi('RecipeCheck')
export type RecipeCheck = Given<typeof recipeCheck>
