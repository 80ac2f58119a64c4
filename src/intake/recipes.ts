// Loads the recipes of images: from files, with the keys beside them, and from the database.
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type FieldFault, faultText, InputError, messageOf, quote } from '../lib/errors.ts'
import { namePattern } from '../lib/ids/names.ts'
import { programDir } from '../lib/program-dir.ts'
import { keysOfRecipe, type Recipe } from './recipe.ts'
import { maxRecipeBytes, parseRecipe } from './recipe-text.ts'

/** The folder of the recipes and keys that ship with the program. */
export const shippedRecipes = join(programDir, 'recipes')

const maxRecipes = 1000

/** A fault of a recipe. `recipe` is the name of the recipe; absent for a fault of a whole folder. `file`: its file, or `the database`. */
export type RecipeFault = { recipe?: string; file: string; message: string }

/** The valid recipes by name, and the faults of the others. */
export type Recipes = { recipes: Map<string, Recipe>; faults: RecipeFault[] }

/** The text of a recipe in the database. */
export type StoredRecipe = { name: string; text: string }

/** A fault as one line: `/data/recipes/x.yaml: title: expected …`. */
export function formatRecipeFault({ file, message }: RecipeFault): string {
  return `${file}: ${message}`
}

/**
 * Loads the recipes of the folders by their file names, and then those of the database. A later recipe replaces one with the
 * same name. A missing folder has none. An invalid recipe does not throw, and does not affect other recipes: its faults name the
 * field, the value and the expectation.
 */
export async function loadRecipes(folders: string[], stored: StoredRecipe[] = []): Promise<Recipes> {
  const loaded: Recipes = { recipes: new Map(), faults: [] }
  for (const folder of folders) {
    const names = (await readdir(folder).catch(() => [])).filter((name) => /\.ya?ml$/.test(name)).sort()
    if (names.length > maxRecipes)
      loaded.faults.push({ file: folder, message: `expected at most ${maxRecipes} recipes, got ${names.length}` })
    for (const fileName of names.slice(0, maxRecipes)) {
      const [name, file] = [fileName.replace(/\.ya?ml$/, ''), join(folder, fileName)]
      const read = await readRecipe(name, file, folder).catch((error: unknown) => ({ faults: [messageOf(error)] }))
      take(loaded, name, file, read)
    }
  }
  for (const { name, text } of stored) take(loaded, name, 'the database', await checkRecipe(name, text))
  return loaded
}

type Read = { recipe: Recipe } | { faults: (FieldFault | string)[] }

function take({ recipes, faults }: Recipes, name: string, file: string, read: Read): void {
  if ('recipe' in read) recipes.set(name, read.recipe)
  else
    for (const fault of bounded(read.faults))
      faults.push({ recipe: name, file, message: typeof fault === 'string' ? fault : faultText(fault) })
}

async function readRecipe(name: string, file: string, folder: string): Promise<Read> {
  if (!namePattern.test(name))
    return { faults: [`the file's name: expected an image's name: a-z, 0-9 and . _ -, got ${quote(name)}`] }
  const about = await stat(file)
  if (!about.isFile()) return { faults: ['expected a file'] }
  if (about.size > maxRecipeBytes) return { faults: [`expected at most ${maxRecipeBytes} bytes, got ${about.size}`] }
  return checkRecipe(name, await readFile(file, 'utf8'), folder)
}

/** Parses a recipe and looks for its keys. `folder`: the folder of its file; a recipe of the database has none. */
export async function checkRecipe(
  name: string,
  text: string,
  folder?: string,
): Promise<{ recipe: Recipe } | { faults: FieldFault[] }> {
  const parsed = parseRecipe(name, text)
  if ('faults' in parsed) return parsed
  const origin = folder === undefined ? 'database' : folder === shippedRecipes ? 'shipped' : 'data-folder'
  const recipe: Recipe = { ...parsed.recipe, text, origin, ...(folder !== undefined && { folder }) }
  const faults: FieldFault[] = []
  for (const key of keysOfRecipe(recipe))
    await readKey(recipe, key).catch((error: unknown) => {
      if (!(error instanceof InputError)) throw error
      faults.push(...error.faults)
    })
  return faults.length > 0 ? { faults } : { recipe }
}

const maxFaults = 20

function bounded<Fault>(faults: (Fault | string)[]): (Fault | string)[] {
  return faults.length <= maxFaults ? faults : [...faults.slice(0, maxFaults), `and ${faults.length - maxFaults} more`]
}

/**
 * Reads the armored OpenPGP keys that are allowed to sign a list of checksums: from the recipe itself, from its folder, or else
 * from the program.
 * @throws InputError if there is no such key
 */
export async function readKey({ keys, folder }: Pick<Recipe, 'keys' | 'folder'>, key: string): Promise<string> {
  const own = keys[key]
  if (own !== undefined) return own
  const folders = folder === undefined ? [shippedRecipes] : [folder, shippedRecipes]
  for (const place of folders) {
    const text = await readFile(join(place, 'keys', `${key}.asc`), 'utf8').catch(() => undefined)
    if (text !== undefined) return text
  }
  const file = folder === undefined ? '' : `, or a file ${key}.asc in ${join(folder, 'keys')}`
  throw new InputError({ field: 'key', value: key, expected: `a key of that name in the keys of the recipe${file}` })
}
