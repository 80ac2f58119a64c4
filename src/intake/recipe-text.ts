// Parses the YAML text of a recipe.
import { type Document, isScalar, parseDocument, visit } from 'yaml'
import type { z } from 'zod'
import { type FieldFault, quote } from '../lib/errors.ts'
import { schemaFaults, schemaMessages } from '../lib/schema-faults.ts'
import type { Arch } from '../model/arch.ts'
import { argFaults, namesTree } from '../render/args.ts'
import { fillRecipe, mapTexts, type Recipe, type RecipeVariant } from './recipe.ts'
import { recipeSchema } from './recipe-schema.ts'

/** The limit of bytes of a recipe. */
export const maxRecipeBytes = 256 * 1024

/** A recipe as its text has it. */
export type ParsedRecipe = Omit<Recipe, 'text' | 'origin' | 'folder'>

/** Parses the text of a recipe. The faults name the field, the value and the expectation. They do not cover missing keys. */
export function parseRecipe(name: string, text: string): { recipe: ParsedRecipe } | { faults: FieldFault[] } {
  const sizeBytes = Buffer.byteLength(text)
  if (sizeBytes > maxRecipeBytes)
    return { faults: [sentence('', `expected at most ${maxRecipeBytes} bytes, got ${sizeBytes}`)] }
  // The parser's own search for duplicates takes quadratic time: ten seconds for 20,000 keys.
  const document = parseDocument(text, { uniqueKeys: false })
  const unreadable = [...document.errors.map(({ message }) => message.split('\n')[0] ?? ''), ...duplicateKeys(document)]
  if (unreadable.length > 0) return { faults: unreadable.map((reason) => sentence('', `expected YAML: ${reason}`)) }
  const { data, parsed } = readValues(document)
  if (parsed === undefined)
    return { faults: [sentence('', 'expected YAML whose aliases (*name) are few and not within themselves')] }
  if (!parsed.success) return { faults: parsed.error.issues.flatMap((issue) => issueFaults(issue, data)) }
  const { archs, variants, ...fields } = parsed.data
  const recipe = { ...fields, name, variants: variants.flatMap((variant) => forArchs(variant, archs)) }
  const faults = variantFaults(recipe)
  return faults.length > 0 ? { faults } : { recipe }
}

/** A fault whose whole sentence is known. */
function sentence(field: string, message: string): FieldFault {
  return { field, value: '', expected: message, message }
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
function variantFaults(recipe: ParsedRecipe): FieldFault[] {
  const { variants } = fillRecipe(recipe, { mirrors: {}, version: '1' })
  return variants.flatMap((variant, index) => {
    const { arch, platform } = variant
    const isDuplicate = variants.findIndex((other) => other.arch === arch && other.platform === platform) < index
    const faults = isDuplicate
      ? [sentence('variants', `variants: expected one for ${arch} ${platform ?? 'and any platform'}, got more`)]
      : []
    if (!('args' in variant)) return faults
    const found = argFaults(variant.args, `the args for ${arch}`)
    if (variant.kind === 'linux' && variant.tree.length === 0)
      for (const arg of variant.args.filter(namesTree))
        found.push({ field: `the args for ${arch}`, value: arg, expected: 'no {{ tree }} in a variant without a tree' })
    return [...faults, ...found]
  })
}

type Parsed = z.infer<typeof recipeSchema>

/** A variant for each of its architectures, with the distribution's word in place of `{{arch}}`. */
function forArchs(variant: Parsed['variants'][number], archs: Parsed['archs']): RecipeVariant[] {
  const variantArchs = variant.arch === undefined ? (Object.keys(archs) as Arch[]) : [variant.arch]
  return variantArchs.map((arch) => ({ ...mapTexts(variant, { arch: archs[arch] ?? arch }), arch }) as RecipeVariant)
}

function issueFaults(issue: z.core.$ZodIssue, data: unknown): FieldFault[] {
  return schemaFaults(issue, data).map(({ field, value, expected, message }) => {
    const found = value === undefined ? 'nothing' : quote(value)
    return sentence(field, message ?? `${field || 'the recipe'}: expected ${expected}, got ${found}`)
  })
}
