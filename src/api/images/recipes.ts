// /recipes: images that can be imported by name.
import { z } from '@hono/zod-openapi'
import { isOlder } from '../../intake/newest-version.ts'
import type { Recipe } from '../../intake/recipe.ts'
import { loadRecipes } from '../../intake/recipes.ts'
import { listRecipeImages, type RecipeImage } from '../../inventory/images/recipe-images.ts'
import { messageOf, requireFound } from '../../lib/errors.ts'
import { endpoint } from '../http/endpoint.ts'
import { imageName } from '../schemas/common.ts'
import { recipeCheck, recipeList } from '../schemas/images/recipe.ts'

export const list = endpoint({
  operationId: 'listRecipes',
  action: 'inventory.read',
  scope: 'any',
  summary: 'List recipes by name: those that ship with Bootwright, and those in the data folder',
  returns: recipeList,
  statuses: { 200: 'All recipes' },
  answer: async ({ intake, db }) => {
    const images = await listRecipeImages(db)
    const { recipes, faults } = await loadRecipes(intake.recipeFolders)
    const sorted = [...recipes.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
    return { status: 200, body: { items: sorted.map((recipe) => bodyOf(recipe, images)), faults } }
  },
})

export const check = endpoint({
  operationId: 'checkRecipe',
  action: 'images.edit',
  summary: 'Check whether a recipe has a newer version than its images',
  description: 'Asks the mirror of the recipe, for at most 20 seconds.',
  params: z.object({ name: imageName }),
  returns: recipeCheck,
  statuses: { 200: 'The newest version, and the images that are older' },
  answer: async ({ intake, db }, { params: { name } }) => {
    const recipe = (await loadRecipes(intake.recipeFolders)).recipes.get(name)
    requireFound(recipe, `recipe ${name}`)
    const found = await intake.newestVersion(name).then(
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
  const { name, title, family, homepage, endOfLife, noEndOfLife, installer } = recipe
  const { answerFile, minimumMemoryMb, mirror, notes } = recipe
  const archs = [...new Set(recipe.variants.map((variant) => variant.arch))]
  const about = { name, title, family, archs, homepage, endOfLife, noEndOfLife, installer }
  const hasVersions = recipe.version !== undefined
  return { ...about, answerFile, minimumMemoryMb, mirror, notes, hasVersions, images: imagesOf(recipe, images) }
}
