import { type FieldFault, InputError } from '../errors.ts'
import { checkText, fillText } from './liquid.ts'
import type { Names } from './names.ts'
import { scriptWord } from './words.ts'

/** COMMAND_LINE_SIZE of x86 and arm64 Linux; the kernel cuts off what is longer without a word. */
const mostCharacters = 2047

/** Names for kernel arguments. Not secrets: a script is given to whoever names a MAC, and /proc/cmdline to every user. */
const roots = ['machine', 'params', 'image', 'boot', 'tree']

/**
 * Kernel arguments with their `{{ }}` filled in; one that comes out empty is left out.
 * @throws InputError that names every argument at fault: a name that is not there, white space, or too many characters in all
 */
export function renderArgs(args: string[], names: Names): string[] {
  const faults: FieldFault[] = []
  const rendered: string[] = []
  for (const [index, arg] of args.entries()) {
    const filled = isLiquid(arg) ? fillText(arg, { ...names, secrets: {} }) : { text: arg }
    if ('faults' in filled) faults.push(faultOf(index, arg, filled.faults))
    else if (filled.text !== '') rendered.push(scriptWord(filled.text, `args[${index}]`))
  }
  if (faults.length > 0) throw new InputError(faults)
  const characters = rendered.join(' ').length
  if (characters > mostCharacters) {
    const expected = `at most ${mostCharacters}, all that Linux takes`
    throw new InputError({ field: 'args', value: `${characters} characters`, expected })
  }
  return rendered
}

/** What is wrong with arguments whatever they are filled in with, for when they are saved. @throws InputError */
export function checkArgs(args: string[], field: string): void {
  const faults = liquidFaults(args, field)
  if (faults.length > 0) throw new InputError(faults)
}

function liquidFaults(args: string[], field: string): FieldFault[] {
  return args.flatMap((arg, index) => {
    const found = isLiquid(arg) ? checkText(arg, roots) : []
    return found.length === 0 ? [] : [{ ...faultOf(index, arg, found), field: `${field}[${index}]` }]
  })
}

const placeholder = /\{\{[^{}]*\}\}|\{%[^{}]*%\}/g

/** What `isArg` expects, in words. */
export const argExpected = 'one kernel argument: no white space outside {{ }} and {% %}, no control characters, no ${'

/** One word of the kernel's command line, which iPXE cannot quote: white space only inside what is Liquid's. */
export function isArg(text: string): boolean {
  return /^[^\p{C}\p{Zl}\p{Zp}]*$/u.test(text) && !/\s|\{\{|\}\}|\{%|\$\{/.test(text.replace(placeholder, ''))
}

/** All that is wrong with arguments before they are filled in. */
export function argFaults(args: string[], field: string): FieldFault[] {
  const broken = args.flatMap((arg, index) =>
    isArg(arg) ? [] : [{ field: `${field}[${index}]`, value: arg, expected: argExpected }],
  )
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
