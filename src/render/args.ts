import { Liquid } from 'liquidjs'
import { InputError, messageOf } from '../errors.ts'
import { scriptWord } from './words.ts'

/** The names that an operator's texts may use. */
export type Names = {
  machine: {
    id?: string
    name?: string
    mac?: string
    uuid?: string
    serial?: string
    hostname?: string
    labels: Record<string, string>
  }
  image: { name: string; version: number }
  /** `url` is where the boot reports to: `<url>/booted`, `<url>/installed`, … */
  boot: { id: string; url: string }
}

// Strict: an unknown name is a mistake to show, not an empty argument. No templates, so nothing can be included.
const liquid = new Liquid({
  strictVariables: true,
  strictFilters: true,
  ownPropertyOnly: true,
  templates: {},
  parseLimit: 10_000,
  renderLimit: 100,
  memoryLimit: 1_000_000,
})

/** COMMAND_LINE_SIZE of x86 and arm64 Linux; the kernel cuts off what is longer without a word. */
const mostCharacters = 2047

/**
 * Kernel arguments with their `{{ }}` filled in; one that comes out empty is left out.
 * @throws InputError that names the argument: an unknown name, white space, or too many characters in all
 */
export function renderArgs(args: string[], names: Names): string[] {
  const rendered = args.map((arg, index) => renderArg(arg, index, names)).filter((arg) => arg !== '')
  const characters = rendered.join(' ').length
  if (characters > mostCharacters) {
    throw new InputError({
      field: 'args',
      value: `${characters} characters`,
      expected: `at most ${mostCharacters}, all that Linux takes`,
    })
  }
  return rendered
}

function renderArg(arg: string, index: number, names: Names): string {
  const field = `args[${index}]`
  let text = arg
  if (/\{[{%]/.test(arg)) {
    try {
      text = String(liquid.parseAndRenderSync(arg, names))
    } catch (error) {
      throw new InputError({
        field,
        value: arg,
        expected: `Liquid that can be filled in (${messageOf(error).split('\n')[0]})`,
      })
    }
  }
  return text === '' ? '' : scriptWord(text, field)
}
