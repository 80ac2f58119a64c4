// The Liquid engine for operators' texts: strict and bounded. Pure.
import { type Context, Liquid, type Template } from 'liquidjs'
import { messageOf } from '../lib/errors.ts'
import { knownNames } from './names.ts'

/** Characters that one text may make, with all that its filters make in between. */
const maxMemory = 10_000_000
/** Tags and outputs of one text. What liquidjs does with them takes the square of their number: 14,000 took 19 s. */
const maxTags = 1000

/**
 * The engine for operators' texts. Strict: a name that is not there is a mistake to show, not an empty place, except where
 * the text itself asks (`{% if %}`, `default`). All mistakes at once. No templates, so nothing can be included.
 */
const liquid = new Liquid({
  strictVariables: true,
  strictFilters: true,
  lenientIf: true,
  catchAllErrors: true,
  ownPropertyOnly: true,
  templates: {},
  cache: 512,
  parseLimit: 2 ** 18,
  renderLimit: 2000,
  memoryLimit: maxMemory,
})

// liquidjs counts what filters make, but not what is put out, nor what {% capture %} keeps: a loop of a few words made
// 500 MB.
const renderTemplates = liquid.renderer.renderTemplates.bind(liquid.renderer)
liquid.renderer.renderTemplates = (templates: Template[], context: Context, emitter = boundedOutput(context)) =>
  renderTemplates(templates, context, emitter)

function boundedOutput({ memoryLimit }: Context) {
  const output = {
    buffer: '',
    write: (value: unknown) => {
      const text = textOf(value)
      try {
        memoryLimit.use(text.length)
      } catch {
        throw new Error(`it makes more than ${maxMemory} characters`)
      }
      output.buffer += text
    },
  }
  return output
}

/** As liquidjs writes values. */
function textOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  return Array.isArray(value) ? value.map(textOf).join('') : String(value)
}

/** The reason why a text cannot be filled in. `missing`: the name that it uses and that is not set. */
export type TextFault = { message: string; missing?: string }

/** A text filled in, or everything that keeps it from being, each once. */
export type Filled = { text: string } | { faults: TextFault[] }

/** Fills in a text. Never throws. */
export function fillText(text: string, names: object): Filled {
  const tooMany = tooManyTags(text)
  if (tooMany.length > 0) return { faults: tooMany.map((message) => ({ message })) }
  try {
    return { text: String(liquid.parseAndRenderSync(text, names)) }
  } catch (error) {
    return { faults: faultsOf(error) }
  }
}

/** The faults of a text that do not depend on its values: its grammar, and names that no boot has. */
export function checkText(text: string, roots: readonly string[]): string[] {
  const tooMany = tooManyTags(text)
  if (tooMany.length > 0) return tooMany
  try {
    const used = liquid.globalVariableSegmentsSync(liquid.parse(text))
    return [...new Set(used.map((path) => unknownName(path.map(String), roots)).filter((one) => one !== undefined))]
  } catch (error) {
    return faultsOf(error).map(({ message }) => message)
  }
}

function tooManyTags(text: string): string[] {
  const tags = text.match(/\{[{%]/g)?.length ?? 0
  return tags > maxTags ? [`${tags} tags and outputs: expected at most ${maxTags}`] : []
}

function unknownName(path: string[], roots: readonly string[]): string | undefined {
  const [root = '', field] = path
  if (!roots.includes(root)) return `there is no ${path.join('.')}: the names begin with ${roots.join(', ')}`
  const fields = knownNames[root]
  if (fields === undefined || field === undefined || fields.includes(field)) return undefined
  return `there is no ${root}.${field}: ${root} has ${fields.join(', ')}`
}

/** Faults reported of one text. */
const maxFaults = 50

/** Those in a block (`{% for %}`) come as one error that holds them. */
function faultsOf(error: unknown): TextFault[] {
  const flat = (nested: unknown): unknown[] => (nested as { errors?: unknown[] }).errors?.flatMap(flat) ?? [nested]
  const faults = new Map(flat(error).map((single) => [faultOf(single).message, faultOf(single)]))
  return [...faults.values()].slice(0, maxFaults)
}

function faultOf(error: unknown): TextFault {
  const { originalError } = error as { originalError?: { variableName?: unknown; message?: string; name?: string } }
  if (originalError?.name !== 'InternalUndefinedVariableError')
    return { message: messageOf(error).split('\n')[0] as string }
  const missing = String(originalError.variableName)
  return { message: `${missing} is not set`, missing }
}

/** The names that are not set, of several faults. */
export function missingOf(faults: TextFault[]): string[] {
  return faults.flatMap(({ missing }) => missing ?? [])
}
