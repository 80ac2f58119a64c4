// One recipe: its types, the files and keys that it names, and its placeholders. Pure.
import { InputError } from '../lib/errors.ts'
import type { Arch, Platform } from '../model/arch.ts'
import type { RecipeOrigin } from '../model/image.ts'

/**
 * A published list with the checksum of a file: `sha256sum` lines, BSD lines (`SHA256 (name) = …`), the `SHA256:` part of a
 * Debian Release file, or any text with a `pattern`.
 */
export type RecipeSums = {
  url: string
  /** The name of the file in the list. Absent: its path relative to the list, or else its file name. */
  name?: string | undefined
  /** For other formats (JSON): a regular expression whose first group is the hash. The `name` is not used then. */
  pattern?: string | undefined
  /** The URL of the list's detached OpenPGP signature; `inline` if the list is a clear-signed text. */
  signature?: string | undefined
  /** The file in `keys` with the allowed keys, without `.asc`; required with `signature`. */
  key?: string | undefined
  /** The list with the checksum of this list: the signed Release file of a suite lists Debian's SHA256SUMS. */
  sums?: RecipeSums | undefined
}

export type RecipeFile = {
  url: string
  /** The name under which the file is served. Absent: the last part of the URL. */
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
      /** Files with their paths below `{{ tree }}`. */
      tree: (RecipeFile & { path: string })[]
      args: string[]
    }
  | { kind: 'efi'; file: RecipeFile; args: string[] }
  | { kind: 'ipxe'; file: RecipeFile }
  | { kind: 'sanboot'; file: RecipeFile }
  /**
   * An ISO, zip or tar. findLayout finds its variants for this arch (and platform, if the recipe has one). `args` are appended
   * to the arguments of each linux variant.
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
  /** The reason for no end of life: `rolling`, … */
  noEndOfLife?: string | undefined
  /** Whether a boot may write to the machine's disk; undefined: the layout of the archive decides. */
  installer?: boolean | undefined
  answerFile?: string | undefined
  minimumMemoryMb?: number | undefined
  /** The name of the mirror setting, and the default mirror. `{{mirror}}` in URLs is replaced by the mirror. */
  mirror?: { name: string; url: string } | undefined
  /** The text with the newest version, and the pattern whose first group replaces `{{version}}`. */
  version?: { url: string; pattern: string } | undefined
  notes: string[]
  variants: RecipeVariant[]
  /** Armored OpenPGP keys by name, beside those of the folder. */
  keys: Record<string, string>
  /** The YAML text of the recipe. */
  text: string
  origin: RecipeOrigin
  /** The folder of the recipe's file; its subfolder `keys` has keys. A recipe of the database has no folder. */
  folder?: string
}

/**
 * Fills in `{{mirror}}` and `{{version}}` in the URLs, names, patterns and args of the variants and of the version. `version` is the result of
 * `versionIn`; without it, only `version.url` is complete.
 */
export function fillRecipe<Filled extends Pick<Recipe, 'mirror' | 'version' | 'variants'>>(
  recipe: Filled,
  values: { mirrors: Record<string, string>; version?: string | undefined },
): Filled {
  const { mirror, version, variants } = recipe
  const base = mirror && (values.mirrors[mirror.name] ?? mirror.url).replace(/\/+$/, '')
  const names = {
    ...(base !== undefined && { mirror: base }),
    ...(values.version !== undefined && { version: values.version }),
  }
  return { ...recipe, ...mapTexts({ version, variants }, names) }
}

/** Finds the newest version in the text of `recipe.version.url`. @throws InputError if the pattern finds no version */
export function versionIn(text: string, pattern: string): string {
  const order = new Intl.Collator('en', { numeric: true })
  const versions = [...text.matchAll(new RegExp(pattern, 'gm'))].map((match) => match[1] ?? '')
  const version = versions.sort(order.compare).at(-1) ?? ''
  // The version comes from the network, and becomes a part of URLs and file names.
  if (!/^[A-Za-z0-9][A-Za-z0-9.+~_-]{0,63}$/.test(version))
    throw new InputError({ field: 'version', value: version, expected: `a version where ${pattern} matches` })
  return version
}

/** The keys that sign the lists of checksums of a recipe. */
export function keysOfRecipe({ variants }: Recipe): Set<string> {
  return new Set(variants.flatMap(filesOf).flatMap(({ sums }) => keysOf(sums)))
}

/** The files that a variant fetches. */
function filesOf(variant: RecipeVariant): RecipeFile[] {
  if (variant.kind === 'linux') return [variant.kernel, ...variant.initrds, ...variant.tree]
  return [variant.kind === 'archive' ? variant.archive : variant.file]
}

/** The keys that sign a list of checksums, including those for the lists that contain it. */
function keysOf(sums: RecipeSums | undefined): string[] {
  return sums === undefined ? [] : [...(sums.key === undefined ? [] : [sums.key]), ...keysOf(sums.sums)]
}

/** Replaces `{{name}}` in all texts of a value. Liquid expressions, which have spaces inside, stay as they are. */
export function mapTexts<T>(value: T, names: Record<string, string>): T {
  if (typeof value === 'string')
    return value.replaceAll(/\{\{(\w+)\}\}/g, (whole, name: string) => names[name] ?? whole) as T
  if (Array.isArray(value)) return value.map((item) => mapTexts(item, names)) as T
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapTexts(item, names)])) as T
}
