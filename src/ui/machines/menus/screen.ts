// A menu as iPXE draws it: 80 columns and 25 rows (menu_ui.c of iPXE: the title in row 1, the entries from row 3, padded by two).
import type { MenuPreview } from '../../../api/schemas/boots/draft.ts'

const [columns, rows] = [80, 25]
const [titleRow, firstRow, padding] = [1, 3, 2]
const visibleRows = rows - 2 - firstRow

/** A row of the screen. */
export type ScreenRow = { text: string; isSelected: boolean; isTitle: boolean }

export function drawMenu({ title, note, timeoutSeconds, items }: NonNullable<MenuPreview['screen']>): ScreenRow[] {
  const entries = [...(note === undefined ? [] : [{ text: note, isDefault: false }]), ...items]
  const selected = Math.max(
    0,
    entries.findIndex(({ isDefault }) => isDefault),
  )
  // iPXE scrolls so that the selected entry is visible.
  const first = Math.max(0, selected - visibleRows + 1)
  const visible = entries.slice(first, first + visibleRows)
  const lines = new Map<number, ScreenRow>()
  lines.set(titleRow, { text: centered(title), isSelected: false, isTitle: true })
  if (first > 0) lines.set(firstRow - 1, plain('...'))
  for (const [index, entry] of visible.entries()) {
    const isSelected = first + index === selected
    const left = isSelected && timeoutSeconds !== undefined ? `(${timeoutSeconds})` : ''
    lines.set(firstRow + index, { ...plain(entry.text, left), isSelected })
  }
  if (first + visible.length < entries.length) lines.set(firstRow + visibleRows, plain('...'))
  return Array.from({ length: rows }, (_, row) => lines.get(row) ?? plain(''))
}

/** A row with a text, and a text at its end. */
function plain(text: string, end = ''): ScreenRow {
  const width = columns - 2 - 2 * padding
  const room = width - end.length
  const cut = [...text].slice(0, room).join('')
  const line = `${' '.repeat(padding)}${cut.padEnd(room)}${end}${' '.repeat(padding)}`
  return { text: ` ${line} `, isSelected: false, isTitle: false }
}

function centered(title: string): string {
  const text = [...title].slice(0, columns).join('')
  const left = Math.floor((columns - text.length) / 2)
  return `${' '.repeat(left)}${text}`.padEnd(columns)
}
