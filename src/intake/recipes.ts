// Reads and checks the files of image recipes, and the keys beside them.
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Document, isScalar, parseDocument, visit } from 'yaml'
import type { z } from 'zod'
import { InputError, messageOf, quote } from '../lib/errors.ts'
import { namePattern } from '../lib/ids/names.ts'
import { programDir } from '../lib/program-dir.ts'
import { schemaFaults, schemaMessages } from '../lib/schema-faults.ts'
import type { Arch } from '../model/arch.ts'
import { argFaults, namesTree } from '../render/args.ts'
import { fillRecipe, keysOfRecipe, mapTexts, type Recipe, type RecipeVariant } from './recipe.ts'
import { recipeSchema } from './recipe-schema.ts'

/** The folder of the recipes and keys that ship with the program. */
export const shippedRecipes = join(programDir, 'recipes')

const maxBytes = 256 * 1024
const maxRecipes = 1000

/** A fault of a recipe's file. `recipe` is the name of the recipe; absent for a fault of a whole folder. */
export type RecipeFault = { recipe?: string; file: string; message: string }

/** A fault as one line: `/data/recipes/x.yaml: title: expected …`. */
export function formatRecipeFault({ file, message }: RecipeFault): string {
  return `${file}: ${message}`
}

function recipeNameOf(fileName: string): string {
  return fileName.replace(/\.ya?ml$/, '')
}

/**
 * Loads all recipes of the folders by their file names. A recipe of a later folder replaces one with the same name. A missing
 * folder has none. An invalid file does not throw, and does not affect other recipes: its faults name the field, the value and
 * the expectation.
 */
export async function loadRecipes(folders: string[]): Promise<{ recipes: Map<string, Recipe>; faults: RecipeFault[] }> {
  const recipes = new Map<string, Recipe>()
  const faults: RecipeFault[] = []
  for (const folder of folders) {
    const names = (await readdir(folder).catch(() => [])).filter((name) => /\.ya?ml$/.test(name)).sort()
    if (names.length > maxRecipes)
      faults.push({ file: folder, message: `expected at most ${maxRecipes} recipes, got ${names.length}` })
    for (const name of names.slice(0, maxRecipes)) {
      const read = await readRecipe(folder, name).catch((error: unknown) => ({ faults: [messageOf(error)] }))
      if ('faults' in read)
        for (const message of read.faults)
          faults.push({ recipe: recipeNameOf(name), file: join(folder, name), message })
      else recipes.set(read.recipe.name, read.recipe)
    }
  }
  return { recipes, faults }
}

async function readRecipe(folder: string, fileName: string): Promise<{ recipe: Recipe } | { faults: string[] }> {
  const name = recipeNameOf(fileName)
  if (!namePattern.test(name))
    return { faults: [`the file's name: expected an image's name: a-z, 0-9 and . _ -, got ${quote(name)}`] }
  const path = join(folder, fileName)
  const about = await stat(path)
  if (!about.isFile()) return { faults: ['expected a file'] }
  if (about.size > maxBytes) return { faults: [`expected at most ${maxBytes} bytes, got ${about.size}`] }
  // The parser's own search for duplicates takes quadratic time: ten seconds for 20,000 keys.
  const document = parseDocument(await readFile(path, 'utf8'), { uniqueKeys: false })
  const unreadable = [...document.errors.map(({ message }) => message.split('\n')[0] ?? ''), ...duplicateKeys(document)]
  if (unreadable.length > 0) return { faults: bounded(unreadable.map((fault) => `expected YAML: ${fault}`)) }
  const { data, parsed } = readValues(document)
  if (parsed === undefined) return { faults: ['expected YAML whose aliases (*name) are few and not within themselves'] }
  if (!parsed.success) return { faults: bounded(parsed.error.issues.flatMap((issue) => faultLines(issue, data))) }
  const { archs, variants, ...fields } = parsed.data
  const recipe: Recipe = { ...fields, name, folder, variants: variants.flatMap((variant) => forArchs(variant, archs)) }
  const wrong = [...variantFaults(recipe), ...(await missingKeys(recipe))]
  return wrong.length > 0 ? { faults: bounded(wrong) } : { recipe }
}

const maxFaults = 20

function bounded(faults: string[]): string[] {
  return faults.length <= maxFaults ? faults : [...faults.slice(0, maxFaults), `and ${faults.length - maxFaults} more`]
}

/** The duplicate keys in the maps of the document. */
function duplicateKeys(document: Document): string[] {
  const faults: string[] = []
  visit(document, {
    Map: (_, { items }) => {
      const seen = new Set<unknown>()
      for (const { key } of items) {
        const name = isScalar(key) ? key.value : undefined
        if (name !== undefined && seen.has(name))
          faults.push(`map keys must be unique, but ${quote(name)} occurs twice`)
        seen.add(name)
      }
    },
  })
  return faults
}

/** The values of a document. `parsed` is absent if its aliases are endless or too many. */
function readValues(document: Document) {
  try {
    const data: unknown = document.toJS({ maxAliasCount: 200 })
    return { data, parsed: recipeSchema.safeParse(data, { error: schemaMessages }) }
  } catch {
    return { data: undefined, parsed: undefined }
  }
}

/** The faults that every image of this recipe would have, found before anything is fetched. */
function variantFaults(recipe: Recipe): string[] {
  const { variants } = fillRecipe(recipe, { mirrors: {}, version: '1' })
  return variants.flatMap((variant, index) => {
    const { arch, platform } = variant
    const isDuplicate = variants.findIndex((other) => other.arch === arch && other.platform === platform) < index
    const faults = isDuplicate ? [`variants: expected one for ${arch} ${platform ?? 'and any platform'}, got more`] : []
    if (!('args' in variant)) return faults
    const found = argFaults(variant.args, `the args for ${arch}`)
    if (variant.kind === 'linux' && variant.tree.length === 0)
      for (const arg of variant.args.filter(namesTree))
        found.push({ field: `the args for ${arch}`, value: arg, expected: 'no {{ tree }} in a variant without a tree' })
    return [...faults, ...found.map((fault) => messageOf(new InputError(fault)))]
  })
}

type Parsed = z.infer<typeof recipeSchema>

/** A variant for each of its architectures, with the distribution's word in place of `{{arch}}`. */
function forArchs(variant: Parsed['variants'][number], archs: Parsed['archs']): RecipeVariant[] {
  const variantArchs = variant.arch === undefined ? (Object.keys(archs) as Arch[]) : [variant.arch]
  return variantArchs.map((arch) => ({ ...mapTexts(variant, { arch: archs[arch] ?? arch }), arch }) as RecipeVariant)
}

/**
 * Reads the armored OpenPGP keys that are allowed to sign a list of checksums: from the recipe's folder, or else from the program.
 * @throws InputError if the file does not exist
 */
export async function readKey(recipe: Recipe, key: string): Promise<string> {
  for (const folder of [recipe.folder, shippedRecipes]) {
    const text = await readFile(join(folder, 'keys', `${key}.asc`), 'utf8').catch(() => undefined)
    if (text !== undefined) return text
  }
  const expected = `a file ${key}.asc in ${join(recipe.folder, 'keys')}`
  throw new InputError({ field: 'key', value: key, expected })
}

async function missingKeys(recipe: Recipe): Promise<string[]> {
  const faults: string[] = []
  for (const key of keysOfRecipe(recipe))
    await readKey(recipe, key).catch((error: unknown) => faults.push(messageOf(error)))
  return faults
}

function faultLines(issue: z.core.$ZodIssue, data: unknown): string[] {
  return schemaFaults(issue, data).map(({ field, value, expected, message }) => {
    const found = value === undefined ? 'nothing' : quote(value)
    return message ?? `${field || 'the recipe'}: expected ${expected}, got ${found}`
  })
}
