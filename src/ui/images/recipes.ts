// /recipes: the catalogue of images that can be imported by name.
import type { ImageSummaryList } from '../../api/schemas/images/image.ts'
import type { Import, ImportList, ImportRequest } from '../../api/schemas/images/import.ts'
import type { Recipe, RecipeCheck, RecipeList } from '../../api/schemas/images/recipe.ts'
import { pathOf, type RefusedError } from '../http/client.ts'
import { type Page, type PageHandler, submit, type Visit } from '../http/visit.ts'
import { judgeEndOfLife } from './end-of-life.ts'
import { describeImport } from './imports.ts'
import { imagePath } from './paths.ts'

/** What upstream has, by the name of the recipe. */
type Checks = Map<string, RecipeCheck>

export const list: PageHandler = (visit) => catalogue(visit)

/** Starts an import: `recipe`, `archs`, and perhaps `image`, `mirror` and `promote`. */
export const start: PageHandler = async (visit) => {
  const { api, form } = visit
  const archs = form.all('archs') as NonNullable<ImportRequest['archs']>
  const body: ImportRequest = {
    recipe: form.get('recipe') ?? '',
    ...(archs.length > 0 && { archs }),
    ...(form.get('image') && { image: form.get('image') }),
    ...(form.get('mirror') && { mirror: form.get('mirror') }),
    ...(form.has('promote') && { draft: false }),
  }
  return submit(
    async () => ({ redirect: `/imports/${(await api.ask<Import>('POST', '/imports', body)).id}` }),
    (refusal) => catalogue(visit, { refusal }),
  )
}

/** Asks upstream for the newest version: of the recipe in the form, or of all recipes whose images are here. */
export const check: PageHandler = async (visit) => {
  const { api, form } = visit
  const { items } = await api.ask<RecipeList>('GET', '/recipes')
  const named = form.get('recipe')
  const asked = items.filter(({ name, hasVersions, images }) =>
    named === undefined ? hasVersions && images.length > 0 : name === named,
  )
  const found = await Promise.all(
    asked.map(
      async ({ name }): Promise<[string, RecipeCheck]> => [
        name,
        await api.ask<RecipeCheck>('POST', `${pathOf('recipes', name)}/check`),
      ],
    ),
  )
  return catalogue(visit, { checks: new Map(found) })
}

async function catalogue(
  { api, form }: Visit,
  { refusal, checks = new Map() }: { refusal?: RefusedError; checks?: Checks } = {},
): Promise<Page> {
  const [{ items, faults }, { items: images }, { items: open }] = await Promise.all([
    api.ask<RecipeList>('GET', '/recipes'),
    api.ask<ImageSummaryList>('GET', '/image-summaries?limit=1000'),
    api.ask<ImportList>('GET', '/imports?state=open&limit=200'),
  ])
  const archsOf = (name: string) => images.find((image) => image.name === name)?.archs ?? []
  const cards = items.map((recipe) => ({
    ...cardOf(
      recipe,
      checks.get(recipe.name),
      recipe.images.flatMap(({ name }) => archsOf(name)),
    ),
    running: open.filter(({ image, kind }) => kind === 'recipe' && image === recipe.name).map(describeImport)[0],
  }))
  const example = items[0]?.name ?? 'debian-13'
  return {
    view: 'images/recipes',
    title: 'Recipes',
    data: {
      ...{ cards, faults, refusal, failed: refusal && form.get('recipe') },
      checked: checks.size,
      mayCheck: cards.some(({ hasVersions, here }) => hasVersions && here.length > 0),
    },
    commands: [
      { title: 'List the recipes', path: '/recipes', cli: 'image recipes' },
      {
        ...{ title: 'Import an image by its recipe', method: 'POST', path: '/imports' },
        ...{ body: { recipe: example }, cli: `image add ${example}` },
      },
      { title: 'Ask upstream for a newer version', method: 'POST', path: `${pathOf('recipes', example)}/check` },
    ],
  }
}

function cardOf(recipe: Recipe, found: RecipeCheck | undefined, archsHere: Recipe['archs']) {
  const olderThan = found?.images.some(({ older }) => older) ? found.newest : undefined
  const [first] = recipe.archs
  const usual = recipe.archs.includes('x86_64') ? 'x86_64' : first
  const chosen = recipe.archs.filter((arch) => (archsHere.length > 0 ? archsHere.includes(arch) : arch === usual))
  return {
    ...recipe,
    support: judgeEndOfLife(recipe.endOfLife),
    here: recipe.images.map((image) => ({ ...image, path: imagePath(image.name) })),
    archChoices: recipe.archs.map((arch) => ({ arch, checked: chosen.includes(arch) })),
    newer: olderThan,
    isNewest: found?.newest !== undefined && olderThan === undefined && recipe.images.length > 0,
    problem: found?.problem,
  }
}
