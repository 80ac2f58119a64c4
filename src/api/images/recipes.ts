import { z } from '@hono/zod-openapi'
import { loadRecipes, type Recipe } from '../../intake/recipes.ts'
import { endpoint } from '../http/endpoint.ts'
import { arch, imageName } from '../schemas/common.ts'

const recipeSchema = z
  .object({
    name: imageName,
    title: z.string(),
    family: z.string().openapi({ example: 'debian' }),
    archs: z.array(arch),
    homepage: z.string().optional(),
    endOfLife: z.string().optional().openapi({ description: 'The last day with updates, YYYY-MM-DD.' }),
    noEndOfLife: z.string().optional().openapi({ description: 'Why there is no end of life.', example: 'rolling' }),
    installer: z.boolean().optional().openapi({ description: "Booting it may write to the machine's disk." }),
    answerFile: z.string().optional().openapi({ description: 'The kind of answer file that it takes.' }),
    minimumMemoryMb: z.int().optional(),
    mirror: z
      .object({ name: z.string(), url: z.string() })
      .optional()
      .openapi({ description: 'What BOOTWRIGHT_MIRRORS calls its mirror, and the one that is used without it.' }),
    notes: z.array(z.string()),
  })
  .openapi('Recipe', { description: 'What an image can be imported by.' })

export const list = endpoint({
  operationId: 'listRecipes',
  summary: 'Recipes by name: those of the program, and those of the folder recipes in the data folder',
  returns: z
    .object({
      items: z.array(recipeSchema),
      faults: z.array(z.string()).openapi({ description: 'What is wrong in files that are no recipes, a line each.' }),
    })
    .openapi('RecipeList'),
  statuses: { 200: 'All of them' },
  answer: async ({ intake }) => {
    const { recipes, faults } = await loadRecipes(intake.recipeFolders)
    const sorted = [...recipes.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
    return { status: 200, body: { items: sorted.map(bodyOf), faults } }
  },
})

function bodyOf(recipe: Recipe) {
  const { name, title, family, homepage, endOfLife, noEndOfLife, installer } = recipe
  const { answerFile, minimumMemoryMb, mirror, notes } = recipe
  const archs = [...new Set(recipe.variants.map((one) => one.arch))]
  const about = { name, title, family, archs, homepage, endOfLife, noEndOfLife, installer }
  return { ...about, answerFile, minimumMemoryMb, mirror, notes }
}
