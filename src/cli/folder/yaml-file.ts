// YAML files of a folder: parsed strictly with the lines of fields, and written in one form.
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  stringify,
  visit,
} from 'yaml'
import { quote } from '../../lib/errors.ts'

/** A fault in a text, with its line. */
export type LineFault = { line: number; message: string }

/** The fields of a file, and the line of a field: of its key, or of the innermost field on its way that exists. */
export type YamlFile = { data: Record<string, unknown>; lineOf: (path: (string | number)[]) => number }

const maxAliases = 100

/**
 * Parses the fields of a YAML 1.2 text. Duplicate keys, tabs in the indentation, several documents, unknown tags and numbers
 * that JSON cannot represent are faults.
 */
export function parseYaml(text: string): YamlFile | { faults: LineFault[] } {
  const lines = new LineCounter()
  const lineAt = (offset: number | undefined) => Math.max(1, lines.linePos(offset ?? 0).line)
  try {
    // The parser's own search for duplicates takes quadratic time.
    const document = parseDocument(text, { uniqueKeys: false, prettyErrors: false, lineCounter: lines })
    const unreadable = [...document.errors, ...document.warnings].map(({ code, message, pos }) => ({
      line: lineAt(pos[0]),
      message: code === 'MULTIPLE_DOCS' ? 'expected one YAML document, got several' : `expected YAML: ${message}`,
    }))
    const faults = [...unreadable, ...keyFaults(document, lineAt)]
    if (faults.length > 0) return { faults }
    const data: unknown = document.toJS({ maxAliasCount: maxAliases })
    if (!isMap(document.contents)) return { faults: [{ line: 1, message: `expected fields, got ${quote(data)}` }] }
    return { data: data as Record<string, unknown>, lineOf: (path) => lineAt(offsetOf(document, path)) }
  } catch {
    // The parser throws for endless or too many aliases, and for endless nesting.
    return { faults: [{ line: 1, message: 'expected YAML with few aliases (*name) and without deep nesting' }] }
  }
}

/** Formats fields as YAML. The same value always gives the same bytes, whatever the order of its keys. */
export function formatYaml(value: unknown): string {
  // Words such as `on` are in quotes, because YAML 1.1 reads them as booleans.
  return stringify(inOrder(value), { lineWidth: 0, aliasDuplicateObjects: false, compat: 'yaml-1.1' })
}

function keyFaults(document: Document, lineAt: (offset: number | undefined) => number): LineFault[] {
  const faults: LineFault[] = []
  const refuse = (node: unknown, message: string) =>
    faults.push({ line: lineAt((node as Node | undefined)?.range?.[0]), message })
  visit(document, {
    Map: (_, { items }) => {
      const seen = new Set<unknown>()
      for (const { key } of items) {
        if (!isScalar(key)) refuse(key, 'expected a text as a key')
        else if (seen.has(key.value)) refuse(key, `expected each key only once, got ${quote(key.value)} again`)
        else seen.add(key.value)
      }
    },
    Scalar: (_, node) => {
      if (typeof node.value !== 'number') return
      if (Number.isFinite(node.value) && keepsDigits(node.value, node.source)) return
      refuse(node, `expected a number that JSON can represent, or a text in quotes, got ${quote(node.source)}`)
    },
  })
  return faults
}

/** Whether a whole number has all digits that the text has: JSON would round 12345678901234567890. */
function keepsDigits(value: number, source = ''): boolean {
  return (
    !Number.isInteger(value) || Number.isSafeInteger(value) || /^[-+\d.]+e/i.test(source) || source === String(value)
  )
}

function offsetOf(document: Document, path: (string | number)[]): number | undefined {
  let offset: number | undefined
  let node: unknown = document.contents
  for (const part of path) {
    if (isAlias(node)) node = node.resolve(document)
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(part))
      if (pair === undefined) break
      offset = (pair.key as Node).range?.[0]
      node = pair.value
    } else if (isSeq(node) && typeof part === 'number' && node.items[part] !== undefined) {
      node = node.items[part]
      offset = (node as Node).range?.[0] ?? offset
    } else break
  }
  return offset
}

/** The keys that come first in a file. The others follow in the order of the alphabet. */
const firstKeys = (
  'name kind title text hotkey arch archs platform platforms endOfLife installer recipe priority everybody ' +
  'selector fact label timeoutSeconds defaultEntry image version menu local everyBoot'
).split(' ')

function inOrder(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(inOrder)
  if (value === null || typeof value !== 'object') return value
  const rank = (key: string) => (firstKeys.indexOf(key) + firstKeys.length + 1) % (firstKeys.length + 1)
  const keys = Object.keys(value).sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
  return new Map(keys.map((key) => [key, inOrder((value as Record<string, unknown>)[key])]))
}
