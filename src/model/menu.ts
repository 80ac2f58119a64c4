// Menus and their entries.

import type { Arch, Platform } from './arch.ts'

/** One line of a menu, and its action. `archs` and `platforms` hide the entry from other machines. */
export type MenuEntry = {
  /** Unique in the menu. A choice names the entry by it. */
  name: string
  /** The text on the screen. */
  text: string
  /** The key that chooses the entry: one letter or digit. */
  hotkey?: string | undefined
  archs?: Arch[] | undefined
  platforms?: Platform[] | undefined
} & (
  | {
      kind: 'image'
      image: string
      args?: string[] | undefined
      withoutArgs?: string[] | undefined
      answerFile?: string | undefined
      /** The entry may install when the menu's time limit starts it. */
      everyBoot?: true | undefined
    }
  | { kind: 'menu'; menu: string }
  | { kind: 'local' | 'shell' | 'reboot' }
)

/** A menu on a machine's screen. */
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

/** An entry that a person chose at a machine's screen. */
export type Choice = { menu: string; entry: string }

/** An entry as a machine's screen shows it. */
export type VisibleEntry = Pick<MenuEntry, 'name' | 'text' | 'hotkey'>
