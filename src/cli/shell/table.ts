// Tables and lists of fields.

/** Formats rows under headings. Each column is as wide as its widest cell. A line feed in a cell becomes a space. */
export function formatTable(headings: string[], rows: (string | null | undefined)[][]): string {
  const lines = [headings, ...rows].map((row) => row.map((cell) => (cell ?? '').replaceAll(/\s+/g, ' ')))
  const widths = headings.map((_, column) =>
    lines.reduce((widest, line) => Math.max(widest, line[column]?.length ?? 0), 0),
  )
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Formats fields, one per line, with aligned values. Fields without a value are left out. */
export function formatFields(fields: Record<string, string | undefined>): string {
  const filled = Object.entries(fields).filter((field): field is [string, string] => Boolean(field[1]))
  const width = Math.max(0, ...filled.map(([name]) => name.length))
  return filled.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n')
}
