import type { Arch, Platform } from './arch.ts'

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
  | {
      kind: 'image'
      image: string
      args?: string[] | undefined
      withoutArgs?: string[] | undefined
      answerFile?: string | undefined
      /** It may install when the menu starts it by itself. */
      everyBoot?: true | undefined
    }
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

/** An entry taken at a machine's screen. */
export type Choice = { menu: string; entry: string }

/** An entry as a machine is shown it. */
export type VisibleEntry = Pick<MenuEntry, 'name' | 'text' | 'hotkey'>
