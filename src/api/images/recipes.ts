// /recipes: images that can be imported by name, and the recipes of the operators.
import { z } from '@hono/zod-openapi'
import { isOlder } from '../../intake/newest-version.ts'
import type { Recipe } from '../../intake/recipe.ts'
import { checkRecipe } from '../../intake/recipes.ts'
import { etagOf } from '../../inventory/common/precondition.ts'
import {
  deleteRecipeText,
  findRecipeText,
  listRecipeImages,
  type RecipeImage,
  type RecipeText,
  saveRecipeText,
} from '../../inventory/images/recipes.ts'
import { type FieldFault, InputError, messageOf, requireFound } from '../../lib/errors.ts'
import { endpoint } from '../http/endpoint.ts'
import { imageName } from '../schemas/common.ts'
import { recipeCheck, recipeList, recipePut, recipeText } from '../schemas/images/recipe.ts'

export const list = endpoint({
  operationId: 'listRecipes',
  action: 'inventory.read',
  scope: 'any',
  summary: 'List recipes by name: those that ship with Bootwright, those in the data folder, and those in the database',
  returns: recipeList,
  statuses: { 200: 'All recipes' },
  answer: async ({ intake, db }) => {
    const images = await listRecipeImages(db)
    const { recipes, faults } = await intake.loadRecipes(db)
    const sorted = [...recipes.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
    return { status: 200, body: { items: sorted.map((recipe) => bodyOf(recipe, images)), faults } }
  },
})

const params = z.object({ name: imageName })

export const get = endpoint({
  operationId: 'getRecipe',
  action: 'inventory.read',
  scope: 'any',
  summary: 'Get the text of a recipe',
  params,
  returns: recipeText,
  statuses: { 200: 'The recipe. Recipes in the database have an ETag' },
  answer: async ({ intake, db }, { params: { name } }) => {
    const stored = await findRecipeText(db, name)
    if (stored !== undefined) return answerOf(stored)
    const recipe = (await intake.loadRecipes(db)).recipes.get(name)
    requireFound(recipe, `recipe ${name}`)
    return { status: 200, body: { name, origin: recipe.origin, text: recipe.text } }
  },
})

export const put = endpoint({
  operationId: 'putRecipe',
  action: 'recipes.edit',
  summary: 'Create or replace a recipe in the database',
  description:
    'The recipe replaces a recipe of the same name that ships with Bootwright or is in the data folder. Images that exist stay as they are.',
  params,
  body: recipePut,
  conditional: true,
  returns: recipeText,
  statuses: { 200: 'Recipe replaced', 201: 'Recipe created' },
  answer: async ({ db }, { params: { name }, body: { text }, precondition, by }) => {
    const faults = await recipeFaults(name, text)
    if (faults.length > 0) throw new InputError(faults)
    const { recipe, created } = await saveRecipeText(db, name, text, precondition, by)
    return answerOf(recipe, created)
  },
})

export const remove = endpoint({
  operationId: 'deleteRecipe',
  action: 'recipes.edit',
  summary: 'Delete a recipe from the database',
  description:
    'A recipe of the same name that ships with Bootwright or is in the data folder is used again. Images stay.',
  params,
  conditional: true,
  statuses: { 204: 'Recipe deleted' },
  answer: async ({ db }, { params: { name }, precondition, by }) => {
    await deleteRecipeText(db, name, precondition, by)
    return { status: 204 }
  },
})

/** The faults of the text of a recipe, with their places in the body of a request: `text.variants[0].kernel.url`. */
export async function recipeFaults(name: string, text: string, place = 'text'): Promise<FieldFault[]> {
  const checked = await checkRecipe(name, text)
  if (!('faults' in checked)) return []
  return checked.faults.slice(0, 50).map((fault) => ({
    ...fault,
    field: [place, fault.field].filter(Boolean).join('.'),
    ...(fault.message !== undefined && { message: `${place}: ${fault.message}` }),
  }))
}

function answerOf(recipe: RecipeText, created = false) {
  const { name, text, revision } = recipe
  const headers = { etag: etagOf(recipe), ...(created && { location: `/api/v1/recipes/${name}` }) }
  return {
    status: created ? (201 as const) : (200 as const),
    body: { name, origin: 'database' as const, text, revision },
    headers,
  }
}

export const check = endpoint({
  operationId: 'checkRecipe',
  action: 'images.edit',
  summary: 'Check whether a recipe has a newer version than its images',
  description: 'Asks the mirror of the recipe, for at most 20 seconds.',
  params,
  returns: recipeCheck,
  statuses: { 200: 'The newest version, and the images that are older' },
  answer: async ({ intake, db }, { params: { name } }) => {
    const recipe = (await intake.loadRecipes(db)).recipes.get(name)
    requireFound(recipe, `recipe ${name}`)
    const found = await intake.newestVersion(name, db).then(
      (newest) => (newest === undefined ? { problem: 'the recipe has no versions' } : { newest }),
      (error: unknown) => ({ problem: messageOf(error) }),
    )
    const newest = 'newest' in found ? found.newest : undefined
    const images = imagesOf(recipe, await listRecipeImages(db)).map((image) => ({
      ...image,
      older: newest !== undefined && image.recipeVersion !== undefined && isOlder(image.recipeVersion, newest),
    }))
    return { status: 200, body: { ...found, images } }
  },
})

function imagesOf({ name }: Recipe, images: RecipeImage[]) {
  return images.filter(({ recipe }) => recipe === name).map(({ recipe: _, ...image }) => image)
}

function bodyOf(recipe: Recipe, images: RecipeImage[]) {
  const { name, origin, title, family, homepage, endOfLife, noEndOfLife, installer } = recipe
  const { answerFile, minimumMemoryMb, mirror, notes } = recipe
  const archs = [...new Set(recipe.variants.map((variant) => variant.arch))]
  const about = { name, origin, title, family, archs, homepage, endOfLife, noEndOfLife, installer }
  const hasVersions = recipe.version !== undefined
  return { ...about, answerFile, minimumMemoryMb, mirror, notes, hasVersions, images: imagesOf(recipe, images) }
}
