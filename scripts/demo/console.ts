/** The hint at the top, shown again each time the machine clears the screen. */
export const hint = '--- demo: Ctrl-C switches the machine off ---'

/** Sequences of firmware and iPXE that clear a terminal (ECMA-48 ED, DEC RIS) and then go to its first line. */
const clears = /(?:\x1b(?:\[[23]J|c)(?:\x1b\[[0-9;]*[Hm])*)+/g
/** Modes in which firmware leaves the terminal: no line wrapping, or a mode of ANSI.SYS. */
const modes = /\x1b\[\?7l|\x1b\[=\d+h/g
/** A control sequence that ends in the next part of the text. */
const cutSequence = /\x1b(?:\[[0-9;?=]*)?$/

/**
 * Filters a console's text, part by part: replaces each clearing of the screen with a line that tells how to stop the machine.
 * Programs that redraw the whole screen (`ESC [ J`) still can.
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

/** The last message of a machine that has nothing to boot: SeaBIOS, and EDK2. */
const ends = [/No bootable device/, /No bootable option or device was found/, /Shell>/]

/** True once the console shows that the firmware has nothing left to boot. */
export function isAtEnd(text: string): boolean {
  const plain = text.replace(/\x1b\[[0-9;?=]*[A-Za-z]/g, '')
  return ends.some((end) => end.test(plain))
}
