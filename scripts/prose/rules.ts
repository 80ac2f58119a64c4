import type { Kind } from './text.ts'
import { verbs, words } from './words.ts'

/** A fault of a sentence: the words found, and what to write instead. */
export type Fault = { found: string; instead: string }

/** A sentence with the kind of its text; `first` where the text begins with it. */
export type Sentence = { text: string; kind: Kind; first: boolean }

type Rule = (sentence: Sentence) => Fault[]

/** Operators read at three in the morning; a comment is read beside its code. */
const maxWords = (kind: Kind) => (kind === 'comment' ? 30 : 25)

const phrases = words.map(([phrase, instead]) => ({
  pattern: new RegExp(`(?<![\\w-])(?:${phrase})(?![\\w-])`, 'gi'),
  instead,
}))

const plainWords: Rule = ({ text }) =>
  phrases.flatMap(({ pattern, instead }) => [...text.matchAll(pattern)].map(([found]) => ({ found, instead })))

const length: Rule = ({ text, kind }) => {
  const count = text.split(/\s+/).filter((word) => /[A-Za-z0-9]/.test(word)).length
  const max = maxWords(kind)
  return count > max ? [{ found: `${count} words`, instead: `at most ${max} words in a sentence: make it two` }] : []
}

const clause = /^(?:Who|Whose|What|Those that|One that|That which)\b/i
/** A comment may name a thing by a clause (`What a machine reports.`), but not make it the subject of a sentence. */
const subjectClause =
  /^(?:Who|Whose|Those that|One that|What (?:is|was|are|were|has|had|can|may|must|does|comes?|came|goes|went|makes?|made|keeps?|kept|remains|arrived|it|they|nobody)\b)/i

/** `Who takes longer …`: a clause where the subject should be a noun. Questions and headings may begin so. */
const clauseAsSubject: Rule = ({ text, kind }) => {
  if (kind === 'heading' || /\?["')]*$/.test(text)) return []
  const [found] = (kind === 'comment' || kind === 'title' ? subjectClause : clause).exec(text) ?? []
  return found === undefined ? [] : [{ found: `${found} …`, instead: 'begin with a noun: "clients that …"' }]
}

/** A text that begins with a pronoun: its noun is nowhere. In lower case it continues a text that has the noun. */
const pronounFirst: Rule = ({ text, kind, first }) => {
  if (!first || kind === 'paragraph') return []
  const [found] = /^(?:It|They|He) (?=[a-z])/.exec(text) ?? []
  return found === undefined
    ? []
    : [{ found: `${found.trim()} …`, instead: 'name the subject; errors: "Expected X, got Y"' }]
}

/** `BOOTWRIGHT_X run at the same time`: the setting is not the thing that it counts. */
const settingAsSubject: Rule = ({ text }) => {
  const [found] = /^`?BOOTWRIGHT_\w+`? (?:run|are|wait|have|come|go)\b/.exec(text) ?? []
  return found === undefined ? [] : [{ found, instead: '`BOOTWRIGHT_…` sets …' }]
}

const verbSet = new Set(verbs.split(/\s+/))

/** What an operation or a command does begins with its verb: `List images`. */
const verbFirst: Rule = ({ text, kind, first }) => {
  if (!first || (kind !== 'summary' && kind !== 'command')) return []
  const word = /^[A-Za-z]+/.exec(text)?.[0] ?? ''
  if (!verbSet.has(word.toLowerCase())) return [{ found: `${word} …`, instead: 'begin with a verb: "List images"' }]
  return kind === 'summary' && /^[a-z]/.test(text) ? [{ found: word, instead: 'begin with a capital letter' }] : []
}

/** `days to keep boot records`, not `boots are forgotten after so many days`. */
const nounPhrase: Rule = ({ text, kind, first }) => {
  if (!first || kind !== 'setting') return []
  const [found] =
    /^[^:;(]*?\b(?:is|are|was|were|be|will)\b/i.exec(text.replace(/\b(?:that|which|when|where|if) [^:;]*/g, '')) ?? []
  return found === undefined ? [] : [{ found, instead: 'a noun phrase with its unit: "days to keep boot records"' }]
}

/** Log messages begin in lower case and have no full stop. */
const logCase: Rule = ({ text, kind, first }) =>
  first && kind === 'log' && /^[A-Z][a-z]/.test(text) && !/^(?:Bootwright|Postgres)/.test(text)
    ? [{ found: text.split(' ', 1)[0] ?? '', instead: 'begin with a lower-case letter' }]
    : []

export const rules: Rule[] = [
  plainWords,
  length,
  clauseAsSubject,
  pronounFirst,
  settingAsSubject,
  verbFirst,
  nounPhrase,
  logCase,
]
