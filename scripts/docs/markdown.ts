import type { Heading, InlineCode, List, Paragraph, PhrasingContent, RootContent, Table, Text } from 'mdast'
import { remark } from 'remark'
import remarkGfm from 'remark-gfm'

/** A Markdown page of these parts; everything that Markdown would read as its own is escaped. */
export function formatPage(children: RootContent[]): string {
  return remark()
    .use(remarkGfm, { tablePipeAlign: false })
    .data('settings', { bullet: '-' })
    .stringify({ type: 'root', children })
}

export function text(value: string): Text {
  return { type: 'text', value }
}

export function code(value: string): InlineCode {
  return { type: 'inlineCode', value }
}

export function heading(depth: 1 | 2 | 3, value: string): Heading {
  return { type: 'heading', depth, children: [text(value)] }
}

export function paragraph(...children: PhrasingContent[]): Paragraph {
  return { type: 'paragraph', children }
}

/** A list with a dash before each sentence. */
export function list(items: string[]): List {
  const children = items.map((item) => ({ type: 'listItem' as const, children: [paragraph(text(item))] }))
  return { type: 'list', ordered: false, spread: false, children }
}

export function table(names: string[], rows: PhrasingContent[][]): Table {
  const toRow = (cells: PhrasingContent[]) => ({
    type: 'tableRow' as const,
    children: cells.map((cell) => ({ type: 'tableCell' as const, children: [cell] })),
  })
  return { type: 'table', children: [toRow(names.map(text)), ...rows.map(toRow)] }
}

/** The note under the title of each generated page. */
export function generatedFrom(source: string): Paragraph {
  return paragraph(text('This page is generated from '), code(source), text(' by '), code('npm run docs'), text('.'))
}
