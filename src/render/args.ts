// Checks kernel arguments when they are saved, and renders them for a script. Pure.
import { type FieldFault, InputError } from '../lib/errors.ts'
import { matchesGlob } from '../lib/glob.ts'
import type { Removal } from '../model/assignment.ts'
import { checkText, fillText, missingOf } from './liquid.ts'
import type { Names } from './names.ts'
import { scriptWord, wordFault } from './words.ts'

/** COMMAND_LINE_SIZE of x86 and arm64 Linux, less its final NUL. The kernel silently truncates longer lines. */
const maxCharacters = 2047

/** Names for kernel arguments. Secrets are excluded: anyone who knows a MAC can fetch its script. */
const roots = ['machine', 'params', 'image', 'boot', 'tree']

/** The context in which arguments are rendered. */
export type ArgsContext = {
  withoutArgs?: Removal[] | undefined
  /** Words that Bootwright adds to the line, which count towards its length: the kernel's name, `initrd=initrd0`. */
  ours?: string[] | undefined
}

/**
 * Renders the Liquid of kernel arguments. Arguments that are empty or that match a pattern are left out.
 * @throws InputError that lists every wrong argument: a missing name, white space, or too many characters in total
 */
export function renderArgs(args: string[], names: Names, { withoutArgs = [], ours = [] }: ArgsContext = {}): string[] {
  const faults: FieldFault[] = []
  const missing: string[] = []
  const rendered: string[] = []
  for (const [index, arg] of args.entries()) {
    // A pattern is also compared before rendering, because an argument that is removed may use missing names.
    if (isRemoved(arg, index, withoutArgs)) continue
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
    } else if (filled.text === '' || isRemoved(filled.text, index, withoutArgs)) continue
    else if (namesInitrd(filled.text)) faults.push({ field: `args[${index}]`, value: filled.text, expected: noInitrd })
    else rendered.push(scriptWord(filled.text, `args[${index}]`))
  }
  if (faults.length > 0) throw new InputError(faults, missing)
  const characters = [...ours, ...rendered].join(' ').length
  if (characters > maxCharacters) {
    const further = ours.length > 0 ? `, including ${ours.join(' ')}` : ''
    const expected = `at most ${maxCharacters}, the limit of Linux${further}`
    throw new InputError({ field: 'args', value: `${characters} characters`, expected })
  }
  return rendered
}

function isRemoved(text: string, index: number, withoutArgs: Removal[]): boolean {
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

const argExpected = 'a kernel argument: no white space outside {{ }} and {% %}, no control characters, no ${'

/**
 * The expectation that an argument does not meet before its Liquid is rendered; undefined if the argument can be a word of
 * the kernel's command line. iPXE cannot quote words.
 */
export function argFault(text: string): string | undefined {
  const fixed = text.replace(placeholder, '')
  if (!/^[^\p{C}\p{Zl}\p{Zp}]*$/u.test(text) || /\s|\{\{|\}\}|\{%|\$\{/.test(fixed))
    return /"/.test(fixed) && /[^\s] +[^\s]/.test(fixed) ? `${argExpected}. ${quotedHint(text)}` : argExpected
  // A tag renders to nothing, a value probably to some text.
  const likely = text.replace(/\{%[^{}]*%\}/g, '').replace(placeholder, 'x')
  if (namesInitrd(likely)) return noInitrd
  const fault = likely === '' ? undefined : wordFault(likely)
  return fault && `a word of iPXE's command line: ${fault}`
}

/** Linux joins the words between quotes (its lib/cmdline.c, next_arg). */
function quotedHint(text: string): string {
  const words = text.split(/\s+/).filter(Boolean)
  return `Linux joins the words between quotes. Write each word as an argument: ${words.map((word) => `--arg '${word}'`).join(' ')}`
}

/** All faults of arguments before their Liquid is rendered. */
export function argFaults(args: string[], field: string): FieldFault[] {
  const broken = args.flatMap((arg, index) => {
    const expected = argFault(arg)
    return expected === undefined ? [] : [{ field: `${field}[${index}]`, value: arg, expected }]
  })
  return broken.length > 0 ? broken : liquidFaults(args, field)
}

/** Whether an argument uses the URL of the image's tree. */
export function namesTree(arg: string): boolean {
  return /\{\{-?\s*tree\b/.test(arg)
}

function isLiquid(arg: string): boolean {
  return /\{[{%]/.test(arg)
}

function faultOf(index: number, arg: string, faults: string[]): FieldFault {
  return { field: `args[${index}]`, value: arg, expected: `valid Liquid (${faults.join('; ')})` }
}
