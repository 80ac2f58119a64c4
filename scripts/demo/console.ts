/** Shown first, and again whenever the machine would have cleared the screen. */
export const hint = '--- demo: Ctrl-C switches the machine off ---'

/** What firmware and iPXE send to clear a terminal (ECMA-48 ED, DEC RIS) and, right after it, to go to its first line. */
const clears = /(?:\x1b(?:\[[23]J|c)(?:\x1b\[[0-9;]*[Hm])*)+/g
/** They leave the terminal so: without wrapping of lines, in a mode of ANSI.SYS. */
const modes = /\x1b\[\?7l|\x1b\[=\d+h/g
/** A control sequence whose end comes with the next part of the text. */
const cutSequence = /\x1b(?:\[[0-9;?=]*)?$/

/**
 * Filters a console's text, part by part: in place of each clearing of the screen is a line that says how to end the machine.
 * Programs that draw the whole screen by themselves (`ESC [ J`) still can.
 */
export function createHintKeeper(): (part: string) => string {
  let held = ''
  return (part) => {
    const text = held + part
    held = cutSequence.exec(text)?.[0] ?? ''
    const whole = text.slice(0, text.length - held.length)
    return whole.replace(modes, '').replace(clears, `\r\n${hint}\r\n`)
  }
}

/** How a machine ends that has nothing to boot from: SeaBIOS, and EDK2. */
const ends = [/No bootable device/, /No bootable option or device was found/, /Shell>/]

/** True once a console's text has the firmware's last word: there is nothing left that it could boot. */
export function isAtEnd(text: string): boolean {
  const plain = text.replace(/\x1b\[[0-9;?=]*[A-Za-z]/g, '')
  return ends.some((end) => end.test(plain))
}
