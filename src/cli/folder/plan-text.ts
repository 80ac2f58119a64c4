// The plan of a folder as text.
import { structuredPatch } from 'diff'
import type { ApplyResult } from '../../api/schemas/system/folder.ts'
import { formatCount } from '../../lib/text/format.ts'
import { difference } from '../shell/difference.ts'

type Item = ApplyResult['items'][number]

/** The rows of a plan, each with its differences: `group rack-b4 changed: priority: 9 -> 5`. */
export function formatPlan({ items }: ApplyResult): string {
  return items.flatMap(formatItem).join('\n')
}

/** The counts of a plan, or of what was applied. */
export function formatResult({ dryRun, created, changed, unchanged, deleted, items }: ApplyResult): string {
  const counts = `${created} created, ${changed} changed, ${unchanged} unchanged, ${deleted} deleted`
  if (items.length === 0) return `nothing to change: ${counts}`
  return dryRun ? `plan: ${counts}; nothing was changed` : `applied: ${counts}`
}

function formatItem({ kind, name, outcome, before, after, adopted, takenFrom, machines, refused }: Item): string[] {
  const what = [kind.replace('-', ' '), name, outcome].filter(Boolean).join(' ')
  const details = [
    outcome === 'changed' ? difference(byName(withoutTexts(before)), byName(withoutTexts(after))) : '',
    adopted ? 'from now on owned by this folder' : '',
    takenFrom === undefined ? '' : `taken over from ${takenFrom}`,
    machines === undefined ? '' : formatCount(machines, 'machine'),
    refused === undefined ? '' : `REFUSED: ${refused}`,
  ].filter(Boolean)
  return [
    details.length === 0 ? what : `${what}: ${details.join('; ')}`,
    ...(outcome === 'changed' ? textDifferences(before, after) : []),
  ]
}

/** Lists of things with names as objects by name, so that their differences name them. */
function byName(value: unknown): unknown {
  if (Array.isArray(value)) {
    const names = new Set(value.map((item) => (item as { name?: unknown } | null)?.name))
    if (names.size !== value.length || names.has(undefined)) return value
    return Object.fromEntries(value.map((item) => [(item as { name: string }).name, byName(item)]))
  }
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, byName(inner)]))
}

type Documents = { name: string; text: string }[]

/** The texts of an answer file or of a recipe. */
function documentsOf(value: Item['before']): Documents {
  if (typeof value?.text === 'string') return [{ name: `recipes/${value.name}.yaml`, text: value.text }]
  return (value?.documents as Documents | undefined) ?? []
}

function withoutTexts(value: Item['before']): object {
  const { text: _, ...others } = value ?? {}
  const documents = 'documents' in others ? documentsOf(value).map(({ text: _, ...document }) => document) : []
  return { ...others, ...(documents.length > 0 && { documents }) }
}

const maxLines = 40

/** The lines that differ in the documents of an answer file. */
function textDifferences(before: Item['before'], after: Item['before']): string[] {
  return documentsOf(after).flatMap(({ name, text }) => {
    const old = documentsOf(before).find((document) => document.name === name)?.text ?? ''
    if (old === text) return []
    const lines = structuredPatch(name, name, old, text, '', '', { context: 1 }).hunks.flatMap(
      ({ oldStart, newStart, lines: changed }) => [`@@ line ${oldStart} -> ${newStart} @@`, ...changed],
    )
    const more = lines.length > maxLines ? [`… and ${lines.length - maxLines} more lines`] : []
    return [`  ${name}:`, ...[...lines.slice(0, maxLines), ...more].map((line) => `  ${line.replace('\r', '')}`)]
  })
}
