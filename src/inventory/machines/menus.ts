// Menus: checked, saved, listed, deleted.

import { asc, eq, gt, sql } from 'drizzle-orm'
import type { Db } from '../../db/open.ts'
import { menus } from '../../db/schema/machines.ts'
import { isSameJson } from '../../lib/canonical.ts'
import { type FieldFault, InputError, requireFound } from '../../lib/errors.ts'
import { formatTarget, platforms } from '../../model/arch.ts'
import { everyBootFaults, type Installers } from '../../model/every-boot.ts'
import { findVariant } from '../../model/image.ts'
import type { Menu, MenuContent, MenuEntry } from '../../model/menu.ts'
import type { Actor } from '../changes/changes.ts'
import { deleteNamed, type NamedNoun, saveNamed } from '../common/named.ts'
import type { Precondition } from '../common/precondition.ts'
import { findImage } from '../images/images.ts'
import { findInstallers } from '../images/installers.ts'
import { holdVersions } from '../images/pinned-versions.ts'
import { refuseNamed, refuseUnknownNames } from './references.ts'

const noun: NamedNoun<Menu> = { noun: 'menu', find: findMenu, auditView: contentOf }

export async function findMenu(db: Db, name: string): Promise<Menu | undefined> {
  const [menu] = await db.select().from(menus).where(eq(menus.name, name))
  return menu
}

/** Menus by name, those after `after`. */
export async function listMenus(db: Db, limit: number, after?: string): Promise<Menu[]> {
  const page = after === undefined ? undefined : gt(menus.name, after)
  return db.select().from(menus).where(page).orderBy(asc(menus.name)).limit(limit)
}

/** Makes or replaces a menu. `coming`: menus that the same transaction saves later. @throws InputError for duplicate entries, an unknown default entry or an unknown name; PreconditionError */
export async function saveMenu(
  db: Db,
  name: string,
  content: MenuContent,
  precondition: Precondition,
  by: Actor,
  coming: ReadonlySet<string> = new Set(),
): Promise<{ menu: Menu; created: boolean }> {
  const checked = await checkMenu(db, name, content, coming)
  const { thing, created } = await saveContent(db, name, () => checked, precondition, by)
  return { menu: thing, created }
}

/** Checks a menu without saving it. @throws InputError as saveMenu */
export async function checkMenu(
  db: Db,
  name: string,
  content: MenuContent,
  coming: ReadonlySet<string> = new Set(),
): Promise<MenuContent> {
  await refuseUnknownEntries(db, name, content.entries, coming)
  await holdVersions(db, pinsIn(content.entries))
  return checkedMenu(content, await findInstallers(db))
}

/** Changes fields of a menu; absent fields stay. @throws as saveMenu, and NotFoundError */
export async function changeMenu(
  db: Db,
  name: string,
  change: { [Field in keyof MenuContent]?: MenuContent[Field] | undefined },
  precondition: Precondition,
  by: Actor,
): Promise<Menu> {
  await refuseUnknownEntries(db, name, change.entries ?? [])
  const installers = await findInstallers(db)
  const contentAfter = (before: Menu | undefined): MenuContent => {
    requireFound(before, `menu ${name}`)
    const { title = before.title, entries = before.entries } = change
    const { timeoutSeconds = before.timeoutSeconds, defaultEntry = before.defaultEntry } = change
    return checkedMenu({ title, timeoutSeconds, defaultEntry, entries }, installers)
  }
  return (await saveContent(db, name, contentAfter, precondition, by)).thing
}

async function saveContent(
  db: Db,
  name: string,
  contentAfter: (before: Menu | undefined) => MenuContent,
  precondition: Precondition,
  by: Actor,
) {
  return saveNamed(db, noun, name, precondition, by, async (tx, before) => {
    const content = contentAfter(before)
    await holdVersions(tx, pinsIn(content.entries))
    if (before === undefined) await tx.insert(menus).values({ ...content, name })
    else if (!isSameJson(contentOf(before), content))
      await tx
        .update(menus)
        .set({ ...content, revision: before.revision + 1, updatedAt: sql`now()` })
        .where(eq(menus.name, name))
  })
}

function contentOf({ title, timeoutSeconds, defaultEntry, entries }: Menu): MenuContent {
  return { title, timeoutSeconds, defaultEntry, entries }
}

async function refuseUnknownEntries(
  db: Db,
  name: string,
  entries: MenuEntry[],
  coming: ReadonlySet<string> = new Set(),
): Promise<void> {
  for (const [index, entry] of entries.entries()) {
    // A menu may lead back to itself.
    const isMenu = entry.kind === 'menu' && entry.menu !== name && !coming.has(entry.menu)
    const named = entry.kind === 'image' || isMenu ? entry : {}
    await refuseUnknownNames(db, named, `entries[${index}]`)
  }
}

function pinsIn(entries: MenuEntry[]) {
  return entries.flatMap((entry, index) => (entry.kind === 'image' ? [{ ...entry, field: `entries[${index}]` }] : []))
}

/** @throws NotFoundError, PreconditionError; ConflictError while something names it */
export async function deleteMenu(
  db: Db,
  name: string,
  precondition: Precondition,
  by: Actor,
  /** Menus that the same transaction deletes. */
  leaving: string[] = [],
): Promise<void> {
  await deleteNamed(db, noun, name, precondition, by, async (tx) => {
    await refuseNamed(tx, 'menu', name, leaving)
    await tx.delete(menus).where(eq(menus.name, name))
  })
}

/** With a time limit the default entry starts automatically. */
function unsaidDefault({ entries, defaultEntry, timeoutSeconds }: MenuContent, installers: Installers): FieldFault[] {
  const index = entries.findIndex(({ name }) => name === defaultEntry)
  const entry = entries[index]
  if (timeoutSeconds === null || entry?.kind !== 'image') return []
  return everyBootFaults([{ ...entry, field: `entries[${index}]` }], installers)
}

/** Notices for the operator who saves a menu: on which machines its time limit does not count, and why. */
export async function menuNotices(
  db: Db,
  { entries, defaultEntry, timeoutSeconds }: Pick<Menu, 'entries' | 'defaultEntry' | 'timeoutSeconds'>,
): Promise<string[]> {
  if (timeoutSeconds === null) return []
  if (defaultEntry === null) return ['timeoutSeconds has no effect without a defaultEntry: the menu waits for a person']
  const entry = entries.find(({ name }) => name === defaultEntry)
  const reasons = [
    ...(entry?.archs ? [`is only for ${entry.archs.join(', ')}`] : []),
    ...(entry?.platforms ? [`is only for ${entry.platforms.join(', ')}`] : []),
    ...(entry?.kind === 'image' ? await variantsOf(db, entry.image) : []),
  ]
  return reasons.length === 0
    ? []
    : [`default entry ${defaultEntry} ${reasons.join(' and ')}: on other machines the menu waits for a person`]
}

/** The firmware that an image has nothing for, on machines of an arch that it has something for. */
async function variantsOf(db: Db, name: string): Promise<string[]> {
  const variants = (await findImage(db, name))?.variants ?? []
  const missing = [...new Set(variants.map(({ arch }) => arch))].flatMap((arch) =>
    platforms
      .filter((platform) => arch !== 'arm64' || platform === 'efi')
      .filter((platform) => findVariant(variants, { arch, platform }) === undefined)
      .map((platform) => formatTarget({ arch, platform })),
  )
  return missing.length === 0 ? [] : [`has no variant for ${missing.join(', ')}`]
}

function checkedMenu(content: MenuContent, installers: Installers): MenuContent {
  const { entries, defaultEntry } = content
  const names = entries.map((entry) => entry.name)
  const hotkeys = entries.flatMap((entry) => entry.hotkey ?? [])
  for (const [field, values] of [
    ['name', names],
    ['hotkey', hotkeys],
  ] as const) {
    const twin = values.find((value, index) => values.indexOf(value) !== index)
    if (twin !== undefined)
      throw new InputError({ field: 'entries', value: twin, expected: `entries each with a ${field} of its own` })
  }
  if (defaultEntry !== null && !names.includes(defaultEntry))
    throw new InputError({ field: 'defaultEntry', value: defaultEntry, expected: `one of ${names.join(', ')}` })
  const faults = unsaidDefault(content, installers)
  if (faults.length > 0) throw new InputError(faults)
  return content
}
