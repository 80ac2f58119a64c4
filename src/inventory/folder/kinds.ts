// The kinds of things in a folder: how each is listed, compared, saved and deleted.

import { and, eq } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { images, imageVersions } from '../../db/schema/images.ts'
import type { Tx } from '../../db/transaction.ts'
import { isSameJson } from '../../lib/canonical.ts'
import { type FieldFault, InputError } from '../../lib/errors.ts'
import type { AnswerFile } from '../../model/answer-file.ts'
import type {
  FolderAnswerFile,
  FolderGroup,
  FolderImage,
  FolderKind,
  FolderMenu,
  FolderRecipe,
} from '../../model/folder/folder.ts'
import type { Image } from '../../model/image.ts'
import type { Menu } from '../../model/menu.ts'
import type { Actor } from '../changes/changes.ts'
import type { Precondition } from '../common/precondition.ts'
import { deleteAnswerFile, listAnswerFiles, saveAnswerFile } from '../images/answer-files.ts'
import { deleteImage, listImages, patchImage, saveImage } from '../images/images.ts'
import { deleteRecipeText, listRecipeTexts, saveRecipeText } from '../images/recipes.ts'
import { deleteGroup, type Group, listGroups, saveGroup } from '../machines/groups.ts'
import { deleteMenu, listMenus, saveMenu } from '../machines/menus.ts'
import { saveGroups } from './save-groups.ts'

/** A thing as the inventory has it: its revision, and its form in a folder. */
export type StoredThing<Form = { name: string }> = { name: string; revision: number; createdAt: Date; form: Form }

/** What saving and deleting depend on. `together`: the names of this kind that the same transaction saves or deletes. */
export type Work = { precondition: Precondition; by: Actor; together: ReadonlySet<string> }

/** One of many things to save. `faultsIn` gets its faults: then it is not saved. */
export type ToSave<Form = { name: string }> = {
  given: Form
  precondition: Precondition
  faultsIn: (faults: FieldFault[]) => void
}

/** A kind of thing. The methods are bivariant, so that a list of all kinds has one type. */
export type KindOfThing<Form extends { name: string } = { name: string }> = {
  kind: FolderKind
  /** The list of the folder that holds the kind, for the fields of faults. */
  field: 'groups' | 'menus' | 'answerFiles' | 'images' | 'recipes'
  list(db: Db): Promise<StoredThing<Form>[]>
  /** The form that the thing has after it is saved. */
  after(given: Form, before: Form | undefined): Form
  /** What a folder shows of a form; if absent, all of it. */
  exported?(form: Form): Form
  save(tx: Tx, given: Form, before: Form | undefined, work: Work): Promise<void>
  /** Saves many at once; if absent, they are saved one by one. */
  saveMany?(tx: Tx, list: ToSave<Form>[], by: Actor): Promise<void>
  remove(tx: Tx, name: string, work: Work): Promise<void>
}

/** More than the inventory can hold in memory for its decisions. */
const everything = 1_000_000

const groupKind: KindOfThing<FolderGroup> = {
  kind: 'group',
  field: 'groups',
  list: async (db) => (await listGroups(db, everything)).map((group) => stored(group, groupForm(group))),
  after: (given) => groupForm({ name: given.name, ...groupContent(given) }),
  save: async (tx, given, _, { precondition, by }) => {
    await saveGroup(tx, given.name, groupContent(given), precondition, by)
  },
  saveMany: (tx, list, by) =>
    saveGroups(
      tx,
      list.map(({ given, ...how }) => ({ ...how, name: given.name, content: groupContent(given) })),
      by,
    ),
  remove: (tx, name, { precondition, by }) => deleteGroup(tx, name, precondition, by),
}

const menuKind: KindOfThing<FolderMenu> = {
  kind: 'menu',
  field: 'menus',
  list: async (db) => (await listMenus(db, everything)).map((menu) => stored(menu, menuForm(menu))),
  after: (given) => menuForm({ name: given.name, ...menuContent(given) }),
  save: async (tx, given, _, { precondition, by, together }) => {
    await saveMenu(tx, given.name, menuContent(given), precondition, by, together)
  },
  remove: (tx, name, { precondition, by, together }) => deleteMenu(tx, name, precondition, by, [...together]),
}

const answerFileKind: KindOfThing<FolderAnswerFile> = {
  kind: 'answer-file',
  field: 'answerFiles',
  list: async (db) => (await listAnswerFiles(db, everything)).map((file) => stored(file, answerFileForm(file))),
  after: ({ name, title, documents }) =>
    answerFileForm({
      ...{ name, title: title ?? '' },
      documents: documents.map((document) => ({ ...document, text: document.text.replace(/^\ufeff/, '') })),
    }),
  save: async (tx, { name, title, documents }, _, { precondition, by }) => {
    await saveAnswerFile(tx, name, { title: title ?? '', documents }, precondition, by)
  },
  remove: (tx, name, { precondition, by }) => deleteAnswerFile(tx, name, precondition, by),
}

const imageKind: KindOfThing<FolderImage> = {
  kind: 'image',
  field: 'images',
  list: async (db) => {
    const recipes = await listRecipesOfImages(db)
    return (await listImages(db, everything)).map((image) => stored(image, imageForm(image, recipes.get(image.name))))
  },
  after: imageAfter,
  exported: ({ variants, ...form }) => (form.recipe === undefined ? { ...form, variants } : form),
  save: async (tx, given, before, { precondition, by }) => {
    const { name, title, endOfLife, installer, recipe, variants } = given
    if (variants !== undefined) {
      // The folder says what machines boot: its variants become the current version.
      await saveImage(tx, name, { title, endOfLife, installer, variants, draft: false }, precondition, by)
      return
    }
    refuseOtherRecipe(name, recipe, before)
    await patchImage(tx, name, { title, endOfLife, installer }, precondition, by)
  },
  remove: (tx, name, { precondition, by }) => deleteImage(tx, name, precondition, by),
}

const recipeKind: KindOfThing<FolderRecipe> = {
  kind: 'recipe',
  field: 'recipes',
  list: async (db) =>
    (await listRecipeTexts(db)).map((recipe) => stored(recipe, { name: recipe.name, text: recipe.text })),
  after: (given) => given,
  save: async (tx, { name, text }, _, { precondition, by }) => {
    await saveRecipeText(tx, name, text, precondition, by)
  },
  remove: (tx, name, { precondition, by }) => deleteRecipeText(tx, name, precondition, by),
}

/** All kinds, in the order in which they are saved; they are deleted in the reverse order. */
export const kindsOfThings: readonly KindOfThing[] = [recipeKind, imageKind, answerFileKind, menuKind, groupKind]

/** True if the thing is in the inventory as the folder has it. */
export function isSaved(kind: KindOfThing, given: { name: string }, before: { name: string } | undefined): boolean {
  return before !== undefined && isSameJson(kind.after(given, before), before)
}

function stored<Form>(thing: { name: string; revision: number; createdAt: Date }, form: Form): StoredThing<Form> {
  const { name, revision, createdAt } = thing
  return { name, revision, createdAt, form }
}

function groupContent({ title, priority, selector, assignment }: FolderGroup) {
  return { title: title ?? '', priority: priority ?? 0, selector: selector ?? [], assignment }
}

function groupForm({
  name,
  title,
  priority,
  selector,
  assignment,
}: Pick<Group, 'name' | keyof GroupContent>): FolderGroup {
  return {
    name,
    ...(title !== '' && { title }),
    ...(priority !== 0 && { priority }),
    ...(selector.length > 0 ? { selector } : { everybody: true as const }),
    assignment,
  }
}
type GroupContent = ReturnType<typeof groupContent>

function menuContent({ title, timeoutSeconds, defaultEntry, entries }: FolderMenu) {
  return { title, timeoutSeconds: timeoutSeconds ?? null, defaultEntry: defaultEntry ?? null, entries }
}

function menuForm({
  name,
  title,
  timeoutSeconds,
  defaultEntry,
  entries,
}: Pick<Menu, 'name' | keyof MenuContent>): FolderMenu {
  return {
    ...{ name, title },
    ...(timeoutSeconds !== null && { timeoutSeconds }),
    ...(defaultEntry !== null && { defaultEntry }),
    entries,
  }
}
type MenuContent = ReturnType<typeof menuContent>

function answerFileForm({
  name,
  title,
  documents,
}: Pick<AnswerFile, 'name' | 'title' | 'documents'>): FolderAnswerFile {
  return { name, ...(title !== '' && { title }), documents }
}

function imageForm({ name, title, endOfLife, installer, variants }: Image, recipe: string | undefined): FolderImage {
  return {
    ...{ name, title },
    ...(endOfLife !== null && { endOfLife }),
    ...(installer !== null && { installer }),
    ...(recipe !== undefined && { recipe }),
    variants,
  }
}

/** Fields that the folder leaves out stay. New variants have no recipe. */
function imageAfter(given: FolderImage, before: FolderImage | undefined): FolderImage {
  const { name, title = before?.title ?? name, endOfLife = before?.endOfLife, installer = before?.installer } = given
  const isSameVersion = given.variants === undefined || isSameJson(given.variants, before?.variants)
  const recipe = given.recipe ?? (isSameVersion ? before?.recipe : undefined)
  return {
    ...{ name, title },
    ...(endOfLife !== null && endOfLife !== undefined && { endOfLife }),
    ...(installer !== null && installer !== undefined && { installer }),
    ...(recipe !== undefined && { recipe }),
    variants: given.variants ?? before?.variants,
  }
}

/** @throws InputError if the image is missing, or its current version did not come from the recipe */
function refuseOtherRecipe(name: string, recipe: string | undefined, before: FolderImage | undefined): void {
  if (before !== undefined && before.recipe === recipe) return
  const found = before === undefined ? 'no such image' : before.recipe === undefined ? 'no recipe' : before.recipe
  const expected = `an image whose current version came from the recipe ${recipe}. Next step: bootwright image add ${name} --recipe ${recipe}`
  throw new InputError({ field: 'recipe', value: found, expected })
}

/** The images whose current version came from a recipe, each with the name of the recipe. */
async function listRecipesOfImages(db: Db): Promise<Map<string, string>> {
  const current = and(eq(imageVersions.image, images.name), eq(imageVersions.version, images.currentVersion))
  const rows = await db
    .select({ name: images.name, recipe: imageVersions.recipe })
    .from(images)
    .innerJoin(imageVersions, current)
  return new Map(rows.flatMap(({ name, recipe }) => (recipe === null ? [] : [[name, recipe]])))
}
