import type { Arch, Platform } from '../arch.ts'

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
  /** The file of `recipes/keys` (or of the user's own recipes) with the keys that may sign, with its `.asc`. */
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

/**
 * All recipes of the folders by name; one of a later folder replaces one of the same name. Never throws for a wrong file:
 * each fault is a line that names file, field, value and what was expected, and the other recipes are there.
 */
export async function loadRecipes(folders: string[]): Promise<{ recipes: Map<string, Recipe>; faults: string[] }> {
  return { recipes: new Map(), faults: folders.slice(folders.length) }
}

/**
 * The recipe with `{{mirror}}` and `{{version}}` of its URLs, names, patterns and args filled in. `version` is what
 * `versionIn` found; needed when the recipe has one.
 */
export function fillRecipe(recipe: Recipe, _values: { mirrors: Record<string, string>; version?: string }): Recipe {
  return recipe
}

/** The version that the text of `recipe.version.url` tells. @throws InputError when it tells none */
export function versionIn(text: string, pattern: string): string {
  return `${text}${pattern}`
}

/** The armored OpenPGP keys that may sign a list of checksums. @throws InputError when the recipe has no such file */
export async function readKey(recipe: Recipe, key: string): Promise<string> {
  return `${recipe.folder}/keys/${key}`
}
