// Menus and their entries.
import type { Arch, Platform } from './arch.ts'

/** An entry of a menu, and what it starts. `archs` and `platforms` hide it from other machines. */
export type MenuEntry = {
  /** Unique in the menu. */
  name: string
  /** The text on the screen. */
  text: string
  /** The key that chooses the entry: a letter or a digit. */
  hotkey?: string | undefined
  archs?: Arch[] | undefined
  platforms?: Platform[] | undefined
} & (
  | {
      kind: 'image'
      image: string
      /** The pinned version of the image. Without it, the entry boots the current version. */
      version?: number | undefined
      args?: string[] | undefined
      withoutArgs?: string[] | undefined
      answerFile?: string | undefined
      /** The entry may install when the timeout starts it. */
      everyBoot?: true | undefined
    }
  | { kind: 'menu'; menu: string }
  | { kind: 'local' | 'shell' | 'reboot' }
)

/** A menu for machines' screens. */
export type Menu = {
  name: string
  title: string
  /** After this time the default entry starts; null waits forever. */
  timeoutSeconds: number | null
  defaultEntry: string | null
  entries: MenuEntry[]
  revision: number
  createdAt: Date
  updatedAt: Date
}
export type MenuContent = Pick<Menu, 'title' | 'timeoutSeconds' | 'defaultEntry' | 'entries'>

/** The entry that a person chose on a machine's screen. */
export type Choice = { menu: string; entry: string }

/** An entry as a machine shows it. */
export type VisibleEntry = Pick<MenuEntry, 'name' | 'text' | 'hotkey'>
