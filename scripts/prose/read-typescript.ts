import { type Comment, type Node, parseSync } from 'oxc-parser'
import { type Kind, masked, type Piece, type Text } from './text.ts'

type Parents = Node[]

/** The comments and the texts of a TypeScript or JavaScript file; of a test only its comments and titles. */
export function readTypescript(name: string, source: string): Text[] {
  const { program, comments } = parseSync(name, source)
  const texts = readComments(comments, source)
  const isTest = name.includes('.test.')
  const read = (node: Node, parents: Parents) => {
    const pieces = piecesOf(node, source)
    if (pieces !== undefined) {
      const kind = kindOf(node, parents, name)
      if (kind !== undefined && (!isTest || kind === 'title') && isProse(pieces)) texts.push({ kind, pieces })
    }
    // A template's placeholders may hold texts of their own; the parts of a joined text are read with it.
    for (const child of childrenOf(node)) {
      if (pieces === undefined || node.type === 'TemplateLiteral') read(child, [node, ...parents])
    }
  }
  read(program, [])
  return texts
}

/** Comments on lines that follow one another are one text. */
function readComments(comments: Comment[], source: string): Text[] {
  const texts: Text[] = []
  let end = -1
  for (const comment of comments) {
    const pieces = commentPieces(comment)
    const last = texts.at(-1)
    const follows = comment.type === 'Line' && /^\n[ \t]*$/.test(source.slice(end, comment.start))
    if (follows && last !== undefined) last.pieces.push(...pieces)
    else texts.push({ kind: 'comment', pieces })
    end = comment.type === 'Line' ? comment.end : -1
  }
  return texts.filter(({ pieces }) => !/^\s*(?:biome-ignore|@ts-|@type|@vitest)/.test(pieces[0]?.value ?? ''))
}

/** The lines of a comment without their marks, and without the type and the name of a JSDoc parameter. */
function commentPieces({ value, start }: Comment): Piece[] {
  const pieces: Piece[] = []
  let offset = start + 2
  for (const line of value.split('\n')) {
    const marks = /^(?:[ \t]*\*)? ?(?:@\w+(?: \{[^}]*\})?(?: \[?\w+\]?)?)?/.exec(line)?.[0].length ?? 0
    const tag = line.slice(0, marks).includes('@')
    pieces.push({ value: `${tag ? '\n' : ''}${line.slice(marks)}\n`, offset: offset + marks - (tag ? 1 : 0) })
    offset += line.length + 1
  }
  return pieces
}

/** The text of a literal, of a template, or of literals that are joined by +; undefined for anything else. */
function piecesOf(node: Node, source: string): Piece[] | undefined {
  if (node.type === 'Literal' && typeof node.value === 'string')
    return [{ value: unescaped(source.slice(node.start + 1, node.end - 1)), offset: node.start + 1 }]
  if (node.type === 'TemplateLiteral') {
    let value = source.slice(node.start + 1, node.end - 1)
    for (const { start, end } of node.expressions) {
      const from = source.lastIndexOf('${', start) - node.start - 1
      const to = source.indexOf('}', end) - node.start
      value = value.slice(0, from) + masked(value.slice(from, to)) + value.slice(to)
    }
    return [{ value: unescaped(value), offset: node.start + 1 }]
  }
  if (node.type === 'BinaryExpression' && node.operator === '+') {
    const [left, right] = [piecesOf(node.left, source), piecesOf(node.right, source)]
    return left && right && [...left, ...right]
  }
  return undefined
}

/** Escapes as what they mean, in as many characters as they take. */
const unescaped = (value: string) =>
  value.replace(/\\(.)/g, (_, letter) => (/[nrt]/.test(letter) ? ' \n' : ` ${letter}`).slice(0, 2))

/** At least two words, and not a script, a page or a configuration file. */
function isProse(pieces: Piece[]): boolean {
  const text = pieces.map(({ value }) => value).join('')
  return /[A-Za-z]{2,},? [A-Za-z(]/.test(text) && !/^#!|^<!doctype|;\s*\}|\breturn \w+\./.test(text)
}

/** The kind of a string by where it stands; undefined where only programs read it. */
function kindOf(node: Node, parents: Parents, name: string): Kind | undefined {
  const [parent] = parents
  if (parent === undefined) return undefined
  if (parent.type === 'ImportDeclaration' || parent.type === 'TaggedTemplateExpression') return undefined
  if (parent.type === 'TSLiteralType' || parent.type === 'TSTemplateLiteralType') return undefined
  if (parent.type === 'Property') {
    if (parent.value !== node) return undefined
    const key = parent.key.type === 'Identifier' ? parent.key.name : ''
    if (key === 'summary' && name.includes('api/')) return 'summary'
    if (key === 'meaning') return 'setting'
  }
  const call = parents.find(({ type }) => type === 'CallExpression')
  if (call?.type !== 'CallExpression' || !call.arguments.some((argument) => argument === node)) return 'message'
  const callee = call.callee
  if (/^(?:test|it|describe)$/.test(rootName(callee))) return 'title'
  if (callee.type !== 'MemberExpression' || callee.property.type !== 'Identifier') return 'message'
  const method = callee.property.name
  if (method === 'description' && name.includes('cli/')) return 'command'
  if (/^(?:fatal|error|warn|info|debug|trace)$/.test(method) && /\blog$/.test(nameOf(callee.object))) return 'log'
  return 'message'
}

/** The first name of a call such as `test.each(cases)('title', …)`. */
function rootName(node: Node): string {
  if (node.type === 'Identifier') return node.name
  if (node.type === 'CallExpression') return rootName(node.callee)
  return node.type === 'MemberExpression' ? rootName(node.object) : ''
}

/** The last name of `log` or `deps.log`. */
function nameOf(node: Node): string {
  if (node.type === 'Identifier') return node.name
  return node.type === 'MemberExpression' && node.property.type === 'Identifier' ? node.property.name : ''
}

/** The nodes directly below a node. */
export function childrenOf(node: Node): Node[] {
  return Object.values(node).flat().filter(isNode)
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value && 'start' in value
