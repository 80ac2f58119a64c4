// CSV, read record by record.
import { type CsvError, parse } from 'csv-parse'
import type { BadRow } from '../../inventory/machines/plan.ts'
import { type FieldFault, InputError, quote } from '../../lib/errors.ts'
import { csvColumns, isColumn } from '../machines/csv.ts'
import { maxRowBytes, readLines } from './lines.ts'

export type Headings = { columns: string[]; delimiter: string }

const maxColumns = 2000

/**
 * The headings in the first line, and the delimiter. If the line has no comma, the delimiter is a semicolon or a tab, as
 * spreadsheets write in many countries. @param further columns besides those of machines
 * @throws InputError that names every unknown column
 */
export async function readHeadings(
  read: () => AsyncIterable<Buffer>,
  further: readonly string[] = [],
): Promise<Headings> {
  let first = ''
  for await (const { text } of readLines(read(), maxRowBytes)) {
    first = text ?? ''
    break
  }
  const delimiter = [',', ';', '\t'].find((separator) => first.includes(separator)) ?? ','
  let cells: string[] = []
  for await (const record of readCsv(read(), delimiter)) {
    if ('cells' in record) cells = record.cells
    break
  }
  const columns = cells.map((cell) => cell.trim())
  const expected = `${[...further, ...csvColumns].join(', ')}, label.KEY or param.KEY`
  const faults: FieldFault[] = columns.flatMap((column, index) => {
    const field = `line 1, column ${index + 1}`
    if (!isColumn(column) && !further.includes(column)) return [{ field, value: column, expected }]
    return columns.indexOf(column) < index ? [{ field, value: column, expected: 'each heading only once' }] : []
  })
  if (columns.length === 0) faults.push({ field: 'line 1', value: first, expected: `headings: ${expected}` })
  if (columns.length > maxColumns)
    faults.push({ field: 'line 1', value: `${columns.length} columns`, expected: `at most ${maxColumns}` })
  if (faults.length > 0) throw new InputError(faults.slice(0, 20))
  return { columns, delimiter }
}

/**
 * The records of a CSV (RFC 4180), each with the number of its last line. If a quote is never closed, reading ends there
 * with a fault.
 */
export async function* readCsv(
  chunks: AsyncIterable<Buffer>,
  delimiter: string,
): AsyncGenerator<{ line: number; cells: string[] } | BadRow> {
  const queue: { line: number; cells: string[] }[] = []
  let fault: CsvError | undefined
  const parser = parse({
    bom: true,
    delimiter,
    record_delimiter: ['\r\n', '\n'],
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: maxRowBytes,
    // Records are taken here, because the stream drops buffered records after a fault.
    on_record: (cells: string[], { lines }) => {
      queue.push({ line: lines, cells })
      return null
    },
  })
  parser.on('error', (error: CsvError) => {
    fault = error
  })
  parser.resume()
  for await (const chunk of chunks) {
    await new Promise<void>((done) => parser.write(chunk, () => done()))
    yield* queue.splice(0)
    if (fault !== undefined) break
  }
  if (fault === undefined) {
    await new Promise<void>((done) => {
      parser.once('end', done)
      parser.once('error', () => done())
      parser.end()
    })
    yield* queue.splice(0)
  }
  if (fault !== undefined) {
    const line = Number((fault as { lines?: number }).lines ?? 0)
    const expected = `CSV (RFC 4180) with lines of at most ${maxRowBytes} bytes; the following lines were not read`
    yield { line, faults: [{ field: 'row', value: quote(fault.message), expected }] }
  }
}
