import type { Root } from 'nlcst'
import retextEnglish from 'retext-english'
import retextRepeatedWords from 'retext-repeated-words'
import { unified } from 'unified'
import { visit } from 'unist-util-visit'
import { VFile } from 'vfile'
import { type Fault, rules } from './rules.ts'
import { joined, maskCode, offsetIn, type Text } from './text.ts'

const english = unified().use(retextEnglish).use(retextRepeatedWords).freeze()

/** The faults of a text; `offset` is where the sentence begins in the file. */
export function checkText(text: Text): (Fault & { offset: number })[] {
  const value = maskCode(joined(text))
  const file = new VFile(value)
  const tree = english.parse(file) as Root
  english.runSync(tree, file)
  // Two placeholders in a row, or an option and its value (`--port PORT`), are not a word that is there twice.
  const repeated = file.messages.filter(({ actual = '' }) => /^(?!X+ )(\S+)\s\1$/.test(actual))
  const faults = repeated.map(({ actual, expected, reason, place }) => ({
    found: actual ?? reason,
    instead: expected?.join(' or ') || reason,
    offset: offsetIn(text, place && 'start' in place ? (place.start.offset ?? 0) : 0),
  }))
  let first = true
  visit(tree, 'SentenceNode', ({ position }) => {
    const [start = 0, end = 0] = [position?.start.offset, position?.end.offset]
    const sentence = { text: value.slice(start, end).replace(/\s+/g, ' '), kind: text.kind, first }
    first = false
    for (const rule of rules) {
      for (const fault of rule(sentence)) faults.push({ ...fault, offset: offsetIn(text, start) })
    }
  })
  return faults
}
