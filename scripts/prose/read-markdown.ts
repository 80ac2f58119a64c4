import type { Nodes, PhrasingContent } from 'mdast'
import remarkGfm from 'remark-gfm'
import remarkParse from 'remark-parse'
import { unified } from 'unified'
import { masked, type Piece, type Text } from './text.ts'

const parser = unified().use(remarkParse).use(remarkGfm)

/** The paragraphs, headings and table cells of a Markdown file; blocks of code are not prose. */
export function readMarkdown(source: string): Text[] {
  const texts: Text[] = []
  const read = (node: Nodes, heading: boolean) => {
    if (node.type === 'paragraph' || node.type === 'heading' || node.type === 'tableCell') {
      const pieces = piecesOf(node.children)
      texts.push({ kind: heading || node.type === 'heading' ? 'heading' : 'paragraph', pieces })
    } else if (node.type === 'table') {
      for (const [index, row] of node.children.entries()) read(row, index === 0)
    } else if ('children' in node) {
      for (const child of node.children) read(child, heading)
    }
  }
  read(parser.parse(source), false)
  return texts
}

function piecesOf(nodes: PhrasingContent[]): Piece[] {
  return nodes.flatMap((node) => {
    const offset = node.position?.start.offset ?? 0
    if (node.type === 'text') return [{ value: node.value, offset }]
    if (node.type === 'inlineCode') return [{ value: `\`${node.value}\``, offset }]
    if (node.type === 'image') return [{ value: node.alt ?? '', offset }]
    if (node.type === 'break') return [{ value: ' ', offset }]
    if (node.type === 'html') return [{ value: masked('html'), offset }]
    return 'children' in node ? piecesOf(node.children) : []
  })
}
