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

// liquidjs counts what filters make, but not what is put out, nor what {% capture %} keeps: a loop of a few words made 500 MB.
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

/** A text filled in, or what keeps it from being: a name that is not there, each once, or another fault in words. */
export type Filled = { text: string } | { faults: string[] }

/** Fills in a text. Never throws. */
export function fillText(text: string, names: object): Filled {
  const tooMany = tooManyTags(text)
  if (tooMany.length > 0) return { faults: tooMany }
  try {
    return { text: String(liquid.parseAndRenderSync(text, names)) }
  } catch (error) {
    return { faults: faultsOf(error) }
  }
}

/** What is wrong with a text whatever it is filled in with: its grammar, and names that no boot has. */
export function checkText(text: string, roots: readonly string[]): string[] {
  const tooMany = tooManyTags(text)
  if (tooMany.length > 0) return tooMany
  try {
    const used = liquid.globalVariableSegmentsSync(liquid.parse(text))
    return [...new Set(used.map((path) => unknownName(path.map(String), roots)).filter((one) => one !== undefined))]
  } catch (error) {
    return faultsOf(error)
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

/** Faults that are told of one text at most. */
const mostFaults = 50

/** Those in a block (`{% for %}`) come as one error that holds them. */
function faultsOf(error: unknown): string[] {
  const flat = (one: unknown): unknown[] => (one as { errors?: unknown[] }).errors?.flatMap(flat) ?? [one]
  return [...new Set(flat(error).map(faultOf))].slice(0, mostFaults)
}

function faultOf(error: unknown): string {
  const { originalError } = error as { originalError?: { variableName?: unknown; message?: string; name?: string } }
  if (originalError?.name === 'InternalUndefinedVariableError') return `${originalError.variableName} is not set`
  return messageOf(error).split('\n')[0] as string
}
