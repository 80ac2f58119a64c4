// Folders of settings: groups, menus, answer files, images, recipes and the policy as one whole.
import type { AnswerDocument } from '../answer-file.ts'
import type { Assignment } from '../assignment.ts'
import type { Variant } from '../image.ts'
import type { MenuEntry } from '../menu.ts'
import type { Policy } from '../policy.ts'
import type { Condition } from '../selector.ts'

/** The kinds of named things in a folder, in the order in which they are saved: no thing names a later kind. */
export const folderKinds = ['recipe', 'image', 'answer-file', 'menu', 'group'] as const
export type FolderKind = (typeof folderKinds)[number]

/** The owner of things that are applied without an owner's name. */
export const defaultOwner = 'folder'

/** A group in a folder: either conditions, or `everybody`. */
export type FolderGroup = {
  name: string
  title?: string | null | undefined
  priority?: number | null | undefined
  selector?: Condition[] | undefined
  everybody?: true | undefined
  assignment: Assignment
}
export type FolderMenu = {
  name: string
  title: string
  timeoutSeconds?: number | null | undefined
  defaultEntry?: string | null | undefined
  entries: MenuEntry[]
}
/** A recipe: its YAML text, byte for byte. */
export type FolderRecipe = { name: string; text: string }
export type FolderAnswerFile = { name: string; title?: string | null | undefined; documents: AnswerDocument[] }

/**
 * An image in a folder: the recipe that made it, or its variants with the hashes of their files. The bytes are not in the
 * folder. Absent fields stay as they are on the server.
 */
export type FolderImage = {
  name: string
  title?: string | undefined
  endOfLife?: string | null | undefined
  installer?: boolean | null | undefined
  recipe?: string | undefined
  variants?: Variant[] | undefined
}

/** The content of a folder. Without a policy, the policy stays as it is. */
export type Folder = {
  policy?: Policy | undefined
  groups: FolderGroup[]
  menus: FolderMenu[]
  answerFiles: FolderAnswerFile[]
  images: FolderImage[]
  recipes: FolderRecipe[]
}
