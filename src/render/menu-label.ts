// The texts of a menu on the screen of a machine. Pure.
import { scriptProse } from './words.ts'

/** A text as iPXE shows it in a menu. iPXE would read a dash at its beginning as an option. */
export function menuLabel(text: string): string {
  return scriptProse(text.replace(/^[\s-]+/, ''))
}
