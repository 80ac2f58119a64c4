// The rows of an upload, read from JSON lines, a list in JSON or YAML, or CSV, and validated.
import { parse } from 'yaml'
import type { MachineChange } from '../../inventory/machines/fields.ts'
import { auditViewOf } from '../../inventory/machines/machines.ts'
import type { BadRow, MachineRow, RowKey } from '../../inventory/machines/plan.ts'
import { type FieldFault, InputError } from '../../lib/errors.ts'
import type { Machine } from '../../model/machine.ts'
import { type Headings, readCsv, readHeadings } from '../http/csv.ts'
import { checkJson } from '../http/json-text.ts'
import { maxRowBytes, readLines } from '../http/lines.ts'
import { faultsOf } from '../http/problems.ts'
import { machineRow } from '../schemas/machines/bulk.ts'
import { columnOf, rowOfCells } from './csv.ts'

export const rowFormats = ['application/x-ndjson', 'text/csv', 'application/json', 'application/yaml'] as const
export type RowFormat = (typeof rowFormats)[number]

/** A row and its size. */
export type ReadRow<Row = MachineRow> = { row: Row | BadRow; sizeBytes: number }

/** Reads one kind of row: its further columns in CSV, and the check of a row, whose text is given as it was received. */
export type RowReader<Row> = {
  columns?: readonly string[]
  check: (line: number, value: object) => Row | BadRow
}

/** Whether a row merges with the entered fields of a machine, or replaces all of them. */
export type RowMode = 'merge' | 'replace'

/** A machine in the format of the export and the upload. */
export type MachineExport = Omit<ReturnType<typeof auditViewOf>, 'discovered'>

/** A JSON document is read into memory; longer lists must be JSON lines. */
const maxJsonBytes = 32 * 2 ** 20

/**
 * A function that reads and validates the rows of an upload, from the start at each call.
 * @throws InputError if the headings of a CSV are wrong
 */
export async function openRows<Row>(
  read: () => AsyncIterable<Buffer>,
  format: RowFormat,
  reader: RowReader<Row>,
): Promise<() => AsyncGenerator<ReadRow<Row>>> {
  if (format === 'application/x-ndjson') return () => jsonRows(read(), reader)
  if (format === 'application/json' || format === 'application/yaml') {
    const list = await readList(read(), format)
    return () => listRows(list, reader)
  }
  const headings = await readHeadings(read, reader.columns)
  return () => csvRows(read(), headings, reader)
}

/** The reader of the rows of a bulk upload. */
export function machineRows(mode: RowMode): RowReader<MachineRow> {
  return { check: (line, value) => checkMachine(line, value, mode) }
}

async function* jsonRows<Row>(chunks: AsyncIterable<Buffer>, reader: RowReader<Row>): AsyncGenerator<ReadRow<Row>> {
  for await (const { line, text } of readLines(chunks, maxRowBytes)) {
    const tooLong = {
      line,
      faults: [{ field: 'row', value: 'a longer row', expected: `at most ${maxRowBytes} bytes` }],
    }
    if (text === undefined) yield { row: tooLong, sizeBytes: 0 }
    else if (text.trim() !== '') yield { row: checkRow(line, parseJson(text), text, reader), sizeBytes: text.length }
  }
}

async function* listRows<Row>(list: unknown[], reader: RowReader<Row>): AsyncGenerator<ReadRow<Row>> {
  for (const [index, value] of list.entries()) {
    const text = JSON.stringify(value) ?? ''
    yield { row: checkRow(index + 1, value, text, reader), sizeBytes: text.length }
  }
}

/** @throws InputError if the body is not a list, or too large */
async function readList(chunks: AsyncIterable<Buffer>, format: RowFormat): Promise<unknown[]> {
  const read: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of chunks) {
    sizeBytes += chunk.length
    if (sizeBytes > maxJsonBytes)
      throw new InputError({
        field: 'body',
        value: 'a longer body',
        expected: `at most ${maxJsonBytes} bytes of ${format}; application/x-ndjson takes more`,
      })
    read.push(chunk)
  }
  const text = Buffer.concat(read).toString('utf8')
  const list = format === 'application/yaml' ? parseYaml(text) : parseJson(text)
  const words = format === 'application/yaml' ? 'YAML' : 'JSON'
  if (!Array.isArray(list))
    throw new InputError({ field: 'body', value: text, expected: `a list of machines in ${words}` })
  checkJson(list)
  return list
}

async function* csvRows<Row>(
  chunks: AsyncIterable<Buffer>,
  { columns, delimiter }: Headings,
  reader: RowReader<Row>,
): AsyncGenerator<ReadRow<Row>> {
  let headings = true
  for await (const read of readCsv(chunks, delimiter)) {
    if ('faults' in read) yield { row: read, sizeBytes: 0 }
    else if (headings) headings = false
    else {
      const text = read.cells.join(' ')
      if (text.trim() === '') continue
      yield { row: checkCells(read.line, read.cells, columns, reader), sizeBytes: text.length }
    }
  }
}

function checkCells<Row>(line: number, cells: string[], columns: string[], reader: RowReader<Row>): Row | BadRow {
  const extra = cells.slice(columns.length).find((cell) => cell.trim() !== '')
  if (extra !== undefined)
    return {
      line,
      faults: [{ field: 'row', value: extra, expected: `${columns.length} cells, one for each heading` }],
    }
  const row = checkRow(line, rowOfCells(columns, cells), cells.join(' '), reader)
  if (!isBad(row)) return row
  return { line, faults: row.faults.map((fault) => ({ ...fault, field: columnOf(fault.field) })) }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Dates and other types of YAML are texts, as in JSON. */
function parseYaml(text: string): unknown {
  try {
    return JSON.parse(JSON.stringify(parse(text, { schema: 'core', maxAliasCount: 100 })) ?? 'null')
  } catch {
    return undefined
  }
}

function isBad<Row>(row: Row | BadRow): row is BadRow {
  return typeof row === 'object' && row !== null && 'faults' in row
}

function faultsIn(value: unknown): FieldFault[] | undefined {
  try {
    checkJson(value)
    return undefined
  } catch (error) {
    if (error instanceof InputError) return error.faults
    throw error
  }
}

/** `text` is the row as it was received. */
function checkRow<Row>(line: number, value: unknown, text: string, reader: RowReader<Row>): Row | BadRow {
  const bad = (field: string, found: string, expected: string) => ({
    line,
    faults: [{ field, value: found, expected }],
  })
  if (text.includes('\ufffd')) return bad('row', text.slice(0, 80), 'text in UTF-8')
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return bad('row', text.slice(0, 80), 'a JSON object')
  const unreadable = faultsIn(value)
  return unreadable === undefined ? reader.check(line, value) : { line, faults: unreadable }
}

function checkMachine(line: number, value: object, mode: RowMode): MachineRow | BadRow {
  const checked = machineRow.safeParse(value)
  if (!checked.success) return { line, faults: checked.error.issues.flatMap((issue) => faultsOf(issue, value)) }
  const { mac: address, id, ...change } = checked.data
  const key = keyOf(address, id, change)
  if (key === undefined) {
    const expected = 'a MAC address, or else an id, a UUID, or a serial with a product'
    return { line, faults: [{ field: 'mac', value: 'nothing', expected }] }
  }
  return { line, key, change, replace: mode === 'replace' }
}

type RowIdentity = Pick<MachineChange, 'macs' | 'uuid' | 'serial' | 'product'>

function keyOf(address: string | undefined, id: string | undefined, change: RowIdentity): RowKey | undefined {
  const { macs, uuid, serial, product } = change
  // A row with an id may replace the MAC addresses.
  if (id !== undefined) return { id }
  if (address !== undefined) return { mac: address }
  if (macs !== undefined) return { macs }
  if (uuid) return { uuid }
  return serial && product ? { serial, product } : undefined
}

/** The entered fields of a machine, as a row. */
export function exportOf(machine: Machine): MachineExport {
  const { discovered: _, ...row } = auditViewOf(machine)
  return row
}
