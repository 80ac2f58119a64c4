// Kernel arguments: checked when saved, filled in when a script is made. Pure.
import { type FieldFault, InputError } from '../lib/errors.ts'
import { matchesGlob } from '../lib/glob.ts'
import type { Removal } from '../model/assignment.ts'
import { checkText, fillText, missingOf } from './liquid.ts'
import type { Names } from './names.ts'
import { scriptWord, wordFault } from './words.ts'

/** COMMAND_LINE_SIZE of x86 and arm64 Linux, less the NUL at its end; the kernel silently truncates a longer one. */
const maxCharacters = 2047

/**
 * Names for kernel arguments. Not secrets: anyone who knows a MAC can fetch the script, and every user can read
 * /proc/cmdline.
 */
const roots = ['machine', 'params', 'image', 'boot', 'tree']

/** Further input for rendering arguments. */
export type ArgsContext = {
  withoutArgs?: Removal[] | undefined
  /** Words of ours on the same line, which count towards its length: the kernel's name, `initrd=initrd0`. */
  ours?: string[] | undefined
}

/**
 * Kernel arguments with their `{{ }}` filled in; one that comes out empty, or that a pattern takes off, is left out.
 * @throws InputError that names every wrong argument: an unknown name, white space, or too many characters in total
 */
export function renderArgs(args: string[], names: Names, { withoutArgs = [], ours = [] }: ArgsContext = {}): string[] {
  const faults: FieldFault[] = []
  const missing: string[] = []
  const rendered: string[] = []
  for (const [index, arg] of args.entries()) {
    // Also as it is written: what a pattern takes off need not be there to be filled in.
    if (isTakenOff(arg, index, withoutArgs)) continue
    const filled = isLiquid(arg) ? fillText(arg, { ...names, secrets: {} }) : { text: arg }
    if ('faults' in filled) {
      faults.push(
        faultOf(
          index,
          arg,
          filled.faults.map(({ message }) => message),
        ),
      )
      missing.push(...missingOf(filled.faults))
    } else if (filled.text === '' || isTakenOff(filled.text, index, withoutArgs)) continue
    else if (namesInitrd(filled.text)) faults.push({ field: `args[${index}]`, value: filled.text, expected: noInitrd })
    else rendered.push(scriptWord(filled.text, `args[${index}]`))
  }
  if (faults.length > 0) throw new InputError(faults, missing)
  const characters = [...ours, ...rendered].join(' ').length
  if (characters > maxCharacters) {
    const further = ours.length > 0 ? `, ${ours.join(' ')} included` : ''
    const expected = `at most ${maxCharacters}, all that Linux takes${further}`
    throw new InputError({ field: 'args', value: `${characters} characters`, expected })
  }
  return rendered
}

function isTakenOff(text: string, index: number, withoutArgs: Removal[]): boolean {
  return withoutArgs.some(({ pattern, count }) => index < count && matchesGlob(pattern, text))
}

function namesInitrd(text: string): boolean {
  return text.startsWith('initrd=')
}

const noInitrd = 'no initrd=: an image names its own initrds. bootwright image add NAME --kernel KERNEL --initrd INITRD'

function liquidFaults(args: string[], field: string): FieldFault[] {
  return args.flatMap((arg, index) => {
    const found = isLiquid(arg) ? checkText(arg, roots) : []
    return found.length === 0 ? [] : [{ ...faultOf(index, arg, found), field: `${field}[${index}]` }]
  })
}

const placeholder = /\{\{[^{}]*\}\}|\{%[^{}]*%\}/g

const argExpected = 'one kernel argument: no white space outside {{ }} and {% %}, no control characters, no ${'

/**
 * The rule that an argument breaks even before its Liquid is filled in. Undefined if it can be one word of the
 * kernel's command line, which iPXE cannot quote.
 */
export function argFault(text: string): string | undefined {
  const fixed = text.replace(placeholder, '')
  if (!/^[^\p{C}\p{Zl}\p{Zp}]*$/u.test(text) || /\s|\{\{|\}\}|\{%|\$\{/.test(fixed))
    return /"/.test(fixed) && /[^\s] +[^\s]/.test(fixed) ? `${argExpected}. ${quotedHint(text)}` : argExpected
  // A tag comes to nothing, a value most likely to something.
  const likely = text.replace(/\{%[^{}]*%\}/g, '').replace(placeholder, 'x')
  if (namesInitrd(likely)) return noInitrd
  const fault = likely === '' ? undefined : wordFault(likely)
  return fault && `one word of iPXE's command line: ${fault}`
}

/** Linux joins the words between quotes again (its lib/cmdline.c, next_arg). */
function quotedHint(text: string): string {
  const words = text.split(/\s+/).filter(Boolean)
  return `Linux reads quoted words as one argument, but they are several words of the line: ${words.map((one) => `--arg '${one}'`).join(' ')}`
}

/** All that is wrong with arguments before they are filled in. */
export function argFaults(args: string[], field: string): FieldFault[] {
  const broken = args.flatMap((arg, index) => {
    const expected = argFault(arg)
    return expected === undefined ? [] : [{ field: `${field}[${index}]`, value: arg, expected }]
  })
  return broken.length > 0 ? broken : liquidFaults(args, field)
}

/** Whether an argument calls the URL of its variant's further files. */
export function namesTree(arg: string): boolean {
  return /\{\{-?\s*tree\b/.test(arg)
}

function isLiquid(arg: string): boolean {
  return /\{[{%]/.test(arg)
}

function faultOf(index: number, arg: string, faults: string[]): FieldFault {
  return { field: `args[${index}]`, value: arg, expected: `Liquid that can be filled in (${faults.join('; ')})` }
}
