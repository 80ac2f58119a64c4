// Image recipes: read from their folders, checked, and filled in.
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Document, isScalar, parseDocument, visit } from 'yaml'
import type { z } from 'zod'
import { InputError, messageOf, quote } from '../lib/errors.ts'
import { namePattern } from '../lib/ids/names.ts'
import { programDir } from '../lib/program-dir.ts'
import { schemaFaults, schemaMessages } from '../lib/schema-faults.ts'
import type { Arch, Platform } from '../model/arch.ts'
import { argFaults, namesTree } from '../render/args.ts'
import { recipeSchema } from './recipe-schema.ts'

/**
 * A published list of checksums that has a file: `sha256sum` lines, BSD lines (`SHA256 (name) = …`), the `SHA256:` part of a
 * Debian Release file, or any text with a `pattern`.
 */
export type RecipeSums = {
  url: string
  /** The name that the file has in the list. Absent: its path from the folder of the list, else its last part alone. */
  name?: string | undefined
  /** A regular expression, whose first group is the hash, for what is no such list (JSON). Then no name is looked for. */
  pattern?: string | undefined
  /** Where the detached OpenPGP signature over the list is; `inline` when the list itself is a clear-signed text. */
  signature?: string | undefined
  /** The file of `keys` with the keys that may sign, without its `.asc`; there whenever `signature` is. */
  key?: string | undefined
  /** The list of checksums that has this list: Debian's SHA256SUMS are listed by the signed Release file of their suite. */
  sums?: RecipeSums | undefined
}

export type RecipeFile = {
  url: string
  /** The name it is served under. Absent: the last part of the URL. */
  name?: string | undefined
  sha256?: string | undefined
  sha512?: string | undefined
  sums?: RecipeSums | undefined
}

export type RecipeVariant = { arch: Arch; platform?: Platform | undefined } & (
  | {
      kind: 'linux'
      kernel: RecipeFile
      initrds: RecipeFile[]
      /** Each with its path below `{{ tree }}`. */
      tree: (RecipeFile & { path: string })[]
      args: string[]
    }
  | { kind: 'efi'; file: RecipeFile; args: string[] }
  | { kind: 'ipxe'; file: RecipeFile }
  | { kind: 'sanboot'; file: RecipeFile }
  /**
   * An ISO, zip or tar, opened with openIso. The variants are those that findLayout finds for this arch (and platform, if the
   * recipe has one); `args` are appended to those of each linux variant.
   */
  | { kind: 'archive'; archive: RecipeFile; args: string[] }
)

export type Recipe = {
  name: string
  title: string
  family: string
  homepage?: string | undefined
  /** YYYY-MM-DD, the last day with updates. */
  endOfLife?: string | undefined
  /** Why there is no end of life: `rolling`, … */
  noEndOfLife?: string | undefined
  /** Booting it may write to the machine's disk; undefined: as the layout of its archive says. */
  installer?: boolean | undefined
  answerFile?: string | undefined
  minimumMemoryMb?: number | undefined
  /** The name of the mirror setting, and the mirror without one; `{{mirror}}` in URLs stands for it. */
  mirror?: { name: string; url: string } | undefined
  /** Where the newest version is told: the first group of the pattern in that text stands for `{{version}}`. */
  version?: { url: string; pattern: string } | undefined
  notes: string[]
  variants: RecipeVariant[]
  /** The folder it was read from; its keys are in `keys` there. */
  folder: string
}

/** The folder of the recipes that ship with the program, with the keys that they use. */
export const shippedRecipes = join(programDir, 'recipes')

const maxBytes = 256 * 1024
const maxRecipes = 1000

/** What is wrong in a file that is no recipe; `recipe` is the name that it would have, absent where a whole folder is meant. */
export type RecipeFault = { recipe?: string; file: string; message: string }

/** A fault as one line: `/data/recipes/x.yaml: title: expected …`. */
export function formatRecipeFault({ file, message }: RecipeFault): string {
  return `${file}: ${message}`
}

function recipeNameOf(fileName: string): string {
  return fileName.replace(/\.ya?ml$/, '')
}

/**
 * All recipes of the folders by name, which is that of the file; one of a later folder replaces one of the same name. A folder
 * that is not there has none. Never throws for a wrong file: the message of a fault names field, value and what was expected, and
 * the other recipes are there.
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
  // The parser's own search for twins takes the square of their number: ten seconds for 20,000 keys.
  const document = parseDocument(await readFile(path, 'utf8'), { uniqueKeys: false })
  const unreadable = [...document.errors.map(({ message }) => message.split('\n')[0] ?? ''), ...twinKeys(document)]
  if (unreadable.length > 0) return { faults: bounded(unreadable.map((fault) => `expected YAML: ${fault}`)) }
  const { data, parsed } = readValues(document)
  if (parsed === undefined) return { faults: ['expected YAML whose aliases (*name) are few and not within themselves'] }
  if (!parsed.success) return { faults: bounded(parsed.error.issues.flatMap((issue) => faultLines(issue, data))) }
  const { archs, variants, ...rest } = parsed.data
  const recipe: Recipe = { ...rest, name, folder, variants: variants.flatMap((one) => forArchs(one, archs)) }
  const wrong = [...variantFaults(recipe), ...(await missingKeys(recipe))]
  return wrong.length > 0 ? { faults: bounded(wrong) } : { recipe }
}

const maxFaults = 20

function bounded(faults: string[]): string[] {
  return faults.length <= maxFaults ? faults : [...faults.slice(0, maxFaults), `and ${faults.length - maxFaults} more`]
}

/** The keys that a map of the document has twice. */
function twinKeys(document: Document): string[] {
  const faults: string[] = []
  visit(document, {
    Map: (_, { items }) => {
      const seen = new Set<unknown>()
      for (const { key } of items) {
        const name = isScalar(key) ? key.value : undefined
        if (name !== undefined && seen.has(name))
          faults.push(`Map keys must be unique, and ${quote(name)} is there twice`)
        seen.add(name)
      }
    },
  })
  return faults
}

/** The values of a document; `parsed` is absent where they have no end, or too many to look at. */
function readValues(document: Document) {
  try {
    const data: unknown = document.toJS({ maxAliasCount: 200 })
    return { data, parsed: recipeSchema.safeParse(data, { error: schemaMessages }) }
  } catch {
    return { data: undefined, parsed: undefined }
  }
}

/** What would be wrong with every image by this recipe, seen before anything is fetched. */
function variantFaults(recipe: Recipe): string[] {
  const { variants } = fillRecipe(recipe, { mirrors: {}, version: '1' })
  return variants.flatMap((one, index) => {
    const { arch, platform } = one
    const twin = variants.findIndex((other) => other.arch === arch && other.platform === platform) < index
    const faults = twin ? [`variants: expected one for ${arch} ${platform ?? 'and any platform'}, got more`] : []
    if (!('args' in one)) return faults
    const found = argFaults(one.args, `the args for ${arch}`)
    if (one.kind === 'linux' && one.tree.length === 0)
      for (const arg of one.args.filter(namesTree))
        found.push({ field: `the args for ${arch}`, value: arg, expected: 'no {{ tree }} in a variant without a tree' })
    return [...faults, ...found.map((fault) => messageOf(new InputError(fault)))]
  })
}

type Parsed = z.infer<typeof recipeSchema>

/** The variant for each architecture that it is for, with the distribution's word in place of `{{arch}}`. */
function forArchs(variant: Parsed['variants'][number], archs: Parsed['archs']): RecipeVariant[] {
  const wanted = variant.arch === undefined ? (Object.keys(archs) as Arch[]) : [variant.arch]
  return wanted.map((arch) => ({ ...mapTexts(variant, { arch: archs[arch] ?? arch }), arch }) as RecipeVariant)
}

/**
 * The recipe with `{{mirror}}` and `{{version}}` of its URLs, names, patterns and args filled in. `version` is what
 * `versionIn` found; without it, only that of the recipe's own `version.url` is complete.
 */
export function fillRecipe(
  recipe: Recipe,
  values: { mirrors: Record<string, string>; version?: string | undefined },
): Recipe {
  const { mirror } = recipe
  const base = mirror && (values.mirrors[mirror.name] ?? mirror.url).replace(/\/+$/, '')
  return mapTexts(recipe, {
    ...(base !== undefined && { mirror: base }),
    ...(values.version !== undefined && { version: values.version }),
  })
}

/** The newest version that the text of `recipe.version.url` tells. @throws InputError when it tells none */
export function versionIn(text: string, pattern: string): string {
  const order = new Intl.Collator('en', { numeric: true })
  const versions = [...text.matchAll(new RegExp(pattern, 'gm'))].map((match) => match[1] ?? '')
  const version = versions.sort(order.compare).at(-1) ?? ''
  // It comes from the network, and becomes a part of URLs and file names.
  if (!/^[A-Za-z0-9][A-Za-z0-9.+~_-]{0,63}$/.test(version))
    throw new InputError({ field: 'version', value: version, expected: `a version where ${pattern} matches` })
  return version
}

/**
 * The armored OpenPGP keys that may sign a list of checksums: of the recipe's own folder, else of the program's.
 * @throws InputError when there is no such file
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
  const keys = new Set(recipe.variants.flatMap(filesOf).flatMap(({ sums }) => keysOf(sums)))
  const faults: string[] = []
  for (const key of keys) await readKey(recipe, key).catch((error: unknown) => faults.push(messageOf(error)))
  return faults
}

/** The files that a variant fetches. */
function filesOf(variant: RecipeVariant): RecipeFile[] {
  if (variant.kind === 'linux') return [variant.kernel, ...variant.initrds, ...variant.tree]
  return [variant.kind === 'archive' ? variant.archive : variant.file]
}

/** The keys that sign a list of checksums, and those that sign the lists that have it. */
function keysOf(sums: RecipeSums | undefined): string[] {
  return sums === undefined ? [] : [...(sums.key === undefined ? [] : [sums.key]), ...keysOf(sums.sums)]
}

/** A value with `{{name}}` replaced in all its texts; Liquid, which has spaces inside, stays. */
function mapTexts<T>(value: T, names: Record<string, string>): T {
  if (typeof value === 'string')
    return value.replaceAll(/\{\{(\w+)\}\}/g, (whole, name: string) => names[name] ?? whole) as T
  if (Array.isArray(value)) return value.map((one) => mapTexts(one, names)) as T
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, mapTexts(one, names)])) as T
}

function faultLines(issue: z.core.$ZodIssue, data: unknown): string[] {
  return schemaFaults(issue, data).map(({ field, value, expected, message }) => {
    const found = value === undefined ? 'nothing' : quote(value)
    return message ?? `${field || 'the recipe'}: expected ${expected}, got ${found}`
  })
}
