// /recipes: images that can be imported by name.
import type { Recipe } from '../../intake/recipe.ts'
import { loadRecipes } from '../../intake/recipes.ts'
import { listRecipeImages, type RecipeImage } from '../../inventory/images/references.ts'
import { endpoint } from '../http/endpoint.ts'
import { recipeList } from '../schemas/images/recipe.ts'

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

function bodyOf(recipe: Recipe, images: RecipeImage[]) {
  const { name, title, family, homepage, endOfLife, noEndOfLife, installer } = recipe
  const { answerFile, minimumMemoryMb, mirror, notes } = recipe
  const archs = [...new Set(recipe.variants.map((variant) => variant.arch))]
  const about = { name, title, family, archs, homepage, endOfLife, noEndOfLife, installer }
  const own = images.filter((image) => image.recipe === name).map(({ recipe: _, ...image }) => image)
  const hasVersions = recipe.version !== undefined
  return { ...about, answerFile, minimumMemoryMb, mirror, notes, hasVersions, images: own }
}
