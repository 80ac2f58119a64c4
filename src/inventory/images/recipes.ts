// Recipes in the database, and the images that recipes made. The texts of recipes are checked by intake/recipes.ts.

import { asc, eq, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { rowsOf } from '../../db/rows.ts'
import { recipes } from '../../db/schema/images.ts'
import type { Actor } from '../changes/changes.ts'
import { deleteNamed, type NamedNoun, saveNamed } from '../common/named.ts'
import type { Precondition } from '../common/precondition.ts'

/** A recipe in the database: its YAML text. */
export type RecipeText = typeof recipes.$inferSelect

const noun: NamedNoun<RecipeText> = { noun: 'recipe', find: findRecipeText, auditView: ({ text }) => ({ text }) }

export async function findRecipeText(db: Db, name: string): Promise<RecipeText | undefined> {
  const [recipe] = await db.select().from(recipes).where(eq(recipes.name, name))
  return recipe
}

/** All recipes in the database by name. */
export async function listRecipeTexts(db: Db): Promise<RecipeText[]> {
  return db.select().from(recipes).orderBy(asc(recipes.name))
}

/** Creates or replaces a recipe. @param text a valid recipe @throws PreconditionError */
export async function saveRecipeText(
  db: Db,
  name: string,
  text: string,
  precondition: Precondition,
  by: Actor,
): Promise<{ recipe: RecipeText; created: boolean }> {
  const { thing, created } = await saveNamed(db, noun, name, precondition, by, async (tx, before) => {
    if (before === undefined) await tx.insert(recipes).values({ name, text })
    else if (before.text !== text)
      await tx
        .update(recipes)
        .set({ text, revision: before.revision + 1, updatedAt: sql`now()` })
        .where(eq(recipes.name, name))
  })
  return { recipe: thing, created }
}

/** Deletes a recipe. Images that it made stay. @throws NotFoundError, PreconditionError */
export async function deleteRecipeText(db: Db, name: string, precondition: Precondition, by: Actor): Promise<void> {
  await deleteNamed(db, noun, name, precondition, by, async (tx) => {
    await tx.delete(recipes).where(eq(recipes.name, name))
  })
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
