// An import by a recipe.
import { fileNameOf } from '../bytes/fetch/file-name.ts'
import { sourceOf } from '../inventory/images/imports.ts'
import { InputError } from '../lib/errors.ts'
import type { Arch } from '../model/arch.ts'
import type { FileRef, ImportPlan, Variant } from '../model/image.ts'
import type { Layout } from './discs/layouts.ts'
import { withPath } from './discs/stored-path.ts'
import { importArchive } from './import-archive.ts'
import { type Downloaded, fetchUrl } from './import-url.ts'
import type { FetchedFile, Intake, Job, Outcome } from './intake.ts'
import { fillRecipe, type Recipe, type RecipeFile, type RecipeVariant, versionIn } from './recipe.ts'
import { formatRecipeFault } from './recipes.ts'
import { checksumsOf, createTexts, type Texts } from './trust/verified-sums.ts'

/** Fetches the files of a recipe and verifies them. @throws Error with a message for the operator */
export async function importRecipe(intake: Intake, job: Job, plan: ImportPlan & { kind: 'recipe' }): Promise<Outcome> {
  const found = await findRecipe(intake, plan.recipe)
  const mirrors = { ...intake.mirrors, ...(plan.mirror && found.mirror && { [found.mirror.name]: plan.mirror }) }
  if (plan.mirror !== undefined && found.mirror === undefined)
    throw new InputError({
      field: 'mirror',
      value: plan.mirror,
      expected: `nothing: recipe ${found.name} has no mirror`,
    })
  const texts = createTexts(intake, job)
  const { recipe, version } = await withVersion(found, mirrors, texts)
  requireArchs(recipe, plan.archs)
  const chosen = recipe.variants.filter(({ arch }) => plan.archs === undefined || plan.archs.includes(arch))

  const downloads = new Map<string, Promise<Downloaded>>()
  const files: FetchedFile[] = []
  const fetchFile = (file: RecipeFile): Promise<Downloaded> => {
    const earlier = downloads.get(file.url)
    if (earlier !== undefined) return earlier
    const fetched = fetchRecipeFile(intake, job, recipe, file, texts)
    downloads.set(file.url, fetched)
    return fetched
  }
  const variants: Variant[] = []
  let { installer } = recipe
  for (const variant of chosen) {
    const made = await importVariant(intake, job, variant, fetchFile)
    installer ??= made.layout?.installer
    variants.push(...made.variants)
    files.push(...made.files)
  }
  return {
    name: recipe.name,
    title: plan.title ?? recipe.title,
    source: version === undefined ? sourceOf(plan) : `${sourceOf(plan)} ${version}`,
    recipe: { name: recipe.name, version },
    endOfLife: recipe.endOfLife,
    installer,
    notes: recipe.notes,
    variants,
    files: [...new Set(files)],
  }
}

/** @throws InputError if no valid recipe has this name, with the faults of its file if there is one */
export async function findRecipe(
  { db, loadRecipes }: Pick<Intake, 'db' | 'loadRecipes'>,
  name: string,
): Promise<Recipe> {
  const { recipes, faults } = await loadRecipes(db)
  const recipe = recipes.get(name)
  if (recipe !== undefined) return recipe
  const own = faults.filter((fault) => fault.recipe === name)
  const wrong = own.map(formatRecipeFault).join('; ')
  throw new InputError({ field: 'recipe', value: name, expected: wrong || 'the name of a recipe' })
}

/** @throws InputError if a recipe lacks one of these architectures */
export function requireArchs({ name, variants }: Recipe, archs: Arch[] | undefined): void {
  const lacking = archs?.filter((arch) => !variants.some((variant) => variant.arch === arch)) ?? []
  if (lacking.length === 0) return
  const those = [...new Set(variants.map(({ arch }) => arch))].join(', ')
  throw new InputError({
    field: 'archs',
    value: lacking.join(', '),
    expected: `some of ${those}, which recipe ${name} has`,
  })
}

async function withVersion(
  found: Recipe,
  mirrors: Record<string, string>,
  texts: Texts,
): Promise<{ recipe: Recipe; version: string | undefined }> {
  const { version: where } = fillRecipe(found, { mirrors })
  if (where === undefined) return { recipe: fillRecipe(found, { mirrors }), version: undefined }
  const text = await texts.get(where.url, false)
  const version = versionIn(text.toString(), where.pattern)
  return { recipe: fillRecipe(found, { mirrors, version }), version }
}

async function fetchRecipeFile(
  intake: Intake,
  job: Job,
  recipe: Recipe,
  file: RecipeFile,
  texts: Texts,
): Promise<Downloaded> {
  const checksums = await checksumsOf(recipe, file, texts)
  return fetchUrl(intake, job, file.url, file.name ?? fileNameOf(new URL(file.url).pathname), checksums)
}

async function importVariant(
  intake: Intake,
  job: Job,
  variant: RecipeVariant,
  fetchFile: (file: RecipeFile) => Promise<Downloaded>,
): Promise<{ layout?: Layout; variants: Variant[]; files: FetchedFile[] }> {
  const { arch, platform } = variant
  const fits = { arch, ...(platform !== undefined && { platform }) }
  if (variant.kind === 'archive') {
    const whole = await fetchFile(variant.archive)
    return withPath(intake, job, whole, whole.partial, (path) =>
      importArchive(
        intake,
        job,
        { path, name: whole.name, whole },
        { archs: [arch], platform, args: variant.args, keepIso: false },
      ),
    )
  }
  const files: FetchedFile[] = []
  const ref = async (file: RecipeFile): Promise<FileRef> => {
    const fetched = await fetchFile(file)
    files.push(fetched)
    return { sha256: fetched.sha256, name: file.name ?? fetched.name }
  }
  if (variant.kind !== 'linux') {
    const file = await ref(variant.file)
    const args = variant.kind === 'efi' ? { args: variant.args } : {}
    return { variants: [{ ...fits, kind: variant.kind, file, ...args } as Variant], files }
  }
  const kernel = await ref(variant.kernel)
  const initrds: FileRef[] = []
  for (const initrd of variant.initrds) initrds.push(await ref(initrd))
  const tree: { path: string; sha256: string }[] = []
  for (const file of variant.tree) tree.push({ path: file.path, sha256: (await ref(file)).sha256 })
  const linux = {
    ...fits,
    kind: 'linux' as const,
    kernel,
    initrds,
    args: variant.args,
    ...(tree.length > 0 && { tree }),
  }
  return { variants: [linux], files }
}
