// Images that came from recipes.
import { sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'

/** An image whose current version came from a recipe. `recipeVersion`: undefined if the recipe has no versions. */
export type RecipeImage = {
  recipe: string
  name: string
  version: number
  recipeVersion?: string | undefined
  createdAt: Date
  sizeBytes: number
}

/** The images whose current version came from a recipe, by name. */
export async function listRecipeImages(db: Db): Promise<RecipeImage[]> {
  const found = await db.execute(sql`
    select v.recipe, v.image as name, v.version, v.recipe_version as "recipeVersion", v.created_at as "createdAt",
      (select coalesce(sum(size_bytes), 0)::float8 from files where sha256 in
        (select jsonb_path_query(v.variants, '$.**.sha256') #>> '{}')) as "sizeBytes"
    from images as i join image_versions as v on v.image = i.name and v.version = i.current_version
    where v.recipe is not null order by v.image`)
  return rowsOf<Omit<RecipeImage, 'createdAt'> & { createdAt: Date | string }>(found).map(
    ({ createdAt, recipeVersion, ...row }) => ({
      ...row,
      createdAt: new Date(createdAt),
      ...(recipeVersion && { recipeVersion }),
    }),
  )
}
