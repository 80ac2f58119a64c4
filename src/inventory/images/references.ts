// What names an image: machines, groups, menus, the policy and deployments.
import { sql } from 'drizzle-orm'
import { isActiveSql } from '../../db/deployment-conditions.ts'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'

/** What names an image. `assigned`: machines whose own assignment names it. `deployments`: those that are active. */
export type ImageReferences = {
  assigned: number
  groups: string[]
  menus: { menu: string; entry: string }[]
  policy: boolean
  deployments: number
}

/** Finds what names an image, in one statement. */
export async function findImageReferences(db: Db, name: string): Promise<ImageReferences> {
  const found = await db.execute(sql`
    select (select count(*)::int from machines where assignment ->> 'image' = ${name}) as assigned,
      (select count(*)::int from deployments where ${isActiveSql(sql`state`)} and image = ${name}) as deployments,
      coalesce((select jsonb_agg(name order by name) from groups where assignment ->> 'image' = ${name}), '[]') as groups,
      coalesce((select jsonb_agg(jsonb_build_object('menu', name, 'entry', entry ->> 'name') order by name)
        from menus, jsonb_array_elements(entries) as e(entry) where entry ->> 'image' = ${name}), '[]') as menus,
      exists (select 1 from policies where policy ->> 'image' = ${name}) as policy`)
  const [references] = rowsOf<ImageReferences>(found)
  if (references === undefined) throw new Error('a query without a row')
  return references
}

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
