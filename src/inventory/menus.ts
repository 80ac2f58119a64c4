import type { Arch, Platform } from '../arch.ts'
import type { Db } from '../db/open.ts'
import { menus } from '../db/schema.ts'
import { InputError } from '../errors.ts'
import { type Actor, system } from './changes.ts'
import { deleteNamed, findNamed, listNamed, type Noun, saveNamed } from './named.ts'
import type { Precondition } from './precondition.ts'
import { refuseNamed, refuseUnknownNames } from './references.ts'

/** One line of a menu, and what choosing it does. `archs` and `platforms` hide it from other machines. */
export type MenuEntry = {
  /** Unique in the menu; what is chosen. */
  name: string
  /** What a person reads. */
  text: string
  /** The key that chooses it, one letter or digit. */
  hotkey?: string | undefined
  archs?: Arch[] | undefined
  platforms?: Platform[] | undefined
} & (
  | { kind: 'image'; image: string; args?: string[] | undefined; answerFile?: string | undefined }
  | { kind: 'menu'; menu: string }
  | { kind: 'local' | 'shell' | 'reboot' }
)

/** A choice shown on a machine's screen. */
export type Menu = {
  name: string
  title: string
  /** After this the default entry is taken; null waits for ever. */
  timeoutSeconds: number | null
  defaultEntry: string | null
  entries: MenuEntry[]
  revision: number
  createdAt: Date
  updatedAt: Date
}
export type MenuContent = Pick<Menu, 'title' | 'timeoutSeconds' | 'defaultEntry' | 'entries'>

const noun: Noun<Menu> = { table: menus, noun: 'menu' }

export const findMenu = (db: Db, name: string): Promise<Menu | undefined> => findNamed(db, noun, name)

/** Menus by name, those after `after`. */
export const listMenus = (db: Db, limit: number, after?: string): Promise<Menu[]> => listNamed(db, noun, limit, after)

/** @throws InputError for entries of one name, a default that is no entry, a name that does not exist; PreconditionError */
export async function saveMenu(
  db: Db,
  name: string,
  content: MenuContent,
  precondition: Precondition = {},
  by: Actor = system,
): Promise<{ menu: Menu; created: boolean }> {
  refuseTwins(content)
  for (const [index, entry] of content.entries.entries()) {
    // A menu may lead back to itself.
    const named = entry.kind === 'image' ? entry : entry.kind === 'menu' && entry.menu !== name ? entry : {}
    await refuseUnknownNames(db, named, `entries[${index}]`)
  }
  const { row, created } = await saveNamed(db, noun, name, content, precondition, by)
  return { menu: row, created }
}

/** @throws NotFoundError, PreconditionError; ConflictError while something names it */
export async function deleteMenu(
  db: Db,
  name: string,
  precondition: Precondition = {},
  by: Actor = system,
): Promise<void> {
  await db.transaction(async (transaction) => {
    const tx = transaction as unknown as Db
    await refuseNamed(tx, 'menu', name)
    await deleteNamed(tx, noun, name, precondition, by)
  })
}

function refuseTwins({ entries, defaultEntry }: MenuContent): void {
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
}
