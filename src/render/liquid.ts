// The Liquid engine for operators' texts, strict and with limits. Pure.
import { type Context, Liquid, type Template } from 'liquidjs'
import { LRUCache } from 'lru-cache'
import { messageOf } from '../lib/errors.ts'
import { namesByRoot } from './names.ts'

/** The maximum number of characters that a text renders to, including the results of its filters. */
const maxMemory = 10_000_000
/** The maximum number of tags and outputs in a text. The time of liquidjs grows with its square: 14,000 took 19 s. */
const maxTags = 1000

/**
 * The engine for operators' texts. A missing name is a fault, not an empty text, except in `{% if %}` and before `default`.
 * The engine reports all faults at once. It has no templates, so texts cannot include files.
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

// liquidjs counts the results of filters, but not the output and {% capture %}: a short loop made 500 MB.
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
        throw new Error(`the text renders to more than ${maxMemory} characters`)
      }
      output.buffer += text
    },
  }
  return output
}

/** A value as liquidjs writes it. */
function textOf(value: unknown): string {
  if (value === undefined || value === null) return ''
  return Array.isArray(value) ? value.map(textOf).join('') : String(value)
}

/** A fault that prevents rendering a text. `missing`: the name without a value. Lines and columns count from 1. */
export type TextFault = { message: string; missing?: string; line?: number; column?: number }

/** A rendered text, or all its faults. */
export type Filled = { text: string } | { faults: TextFault[] }

/** The parsed texts that were rendered last. A storm of machines renders the same arguments and answer files. */
const parsed = new LRUCache<string, Template[]>({
  max: 1000,
  maxSize: 2 ** 20,
  sizeCalculation: (_, text) => text.length + 1,
})

/** Renders a text. Never throws. */
export function fillText(text: string, names: object): Filled {
  try {
    let templates = parsed.get(text)
    if (templates === undefined) {
      const tooMany = tooManyTags(text)
      if (tooMany.length > 0) return { faults: tooMany.map((message) => ({ message })) }
      templates = liquid.parse(text)
      parsed.set(text, templates)
    }
    return { text: String(liquid.renderSync(templates, names)) }
  } catch (error) {
    return { faults: faultsOf(error) }
  }
}

/** The faults of a text for every boot: its syntax, and names that do not exist. */
export function checkText(text: string, roots: readonly string[]): string[] {
  return [...new Set(findTextFaults(text, roots).map(({ message }) => message))]
}

/** The same faults with their places. */
export function findTextFaults(text: string, roots: readonly string[]): TextFault[] {
  const [tooMany] = tooManyTags(text)
  if (tooMany !== undefined) return [{ message: tooMany }]
  try {
    const { globals } = liquid.analyzeSync(liquid.parse(text))
    return Object.values(globals)
      .flat()
      .flatMap(({ segments, location: { row, col } }) => {
        const message = unknownName(segments.map(String), roots)
        return message === undefined ? [] : [{ message, line: row, column: col }]
      })
      .sort((a, b) => a.line - b.line || a.column - b.column)
      .slice(0, maxFaults)
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
  const fields = namesByRoot[root]
  if (fields === undefined || field === undefined || fields.includes(field)) return undefined
  return `there is no ${root}.${field}: ${root} has ${fields.join(', ')}`
}

/** The maximum number of faults reported for a text. */
const maxFaults = 50

/** The faults of a block (`{% for %}`) are nested in a single error. */
function faultsOf(error: unknown): TextFault[] {
  const flat = (nested: unknown): unknown[] => (nested as { errors?: unknown[] }).errors?.flatMap(flat) ?? [nested]
  const faults = new Map(flat(error).map((single) => [faultOf(single).message, faultOf(single)]))
  return [...faults.values()].slice(0, maxFaults)
}

type LiquidFault = {
  originalError?: { variableName?: unknown; message?: string; name?: string }
  token?: { getPosition?: () => number[] }
}

function faultOf(error: unknown): TextFault {
  const { originalError, token } = error as LiquidFault
  const [line, column] = token?.getPosition?.() ?? []
  const place = line === undefined || column === undefined ? {} : { line, column }
  if (originalError?.name !== 'InternalUndefinedVariableError')
    return { message: messageOf(error).split('\n')[0] as string, ...place }
  const missing = String(originalError.variableName)
  return { message: `${missing} is not set`, missing, ...place }
}

/** The missing names of several faults. */
export function missingOf(faults: TextFault[]): string[] {
  return faults.flatMap(({ missing }) => missing ?? [])
}
