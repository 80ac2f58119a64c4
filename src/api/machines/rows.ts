// The rows of a bulk upload, read from JSON lines, a JSON list or CSV, and validated.
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

export const rowFormats = ['application/x-ndjson', 'text/csv', 'application/json'] as const
export type RowFormat = (typeof rowFormats)[number]

/** A row and its size. */
export type ReadRow = { row: MachineRow | BadRow; sizeBytes: number }

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
export async function openRows(
  read: () => AsyncIterable<Buffer>,
  format: RowFormat,
  mode: RowMode,
): Promise<() => AsyncGenerator<ReadRow>> {
  if (format === 'application/x-ndjson') return () => jsonRows(read(), mode)
  if (format === 'application/json') {
    const list = await readList(read())
    return () => listRows(list, mode)
  }
  const headings = await readHeadings(read)
  return () => csvRows(read(), headings, mode)
}

async function* jsonRows(chunks: AsyncIterable<Buffer>, mode: RowMode): AsyncGenerator<ReadRow> {
  for await (const { line, text } of readLines(chunks, maxRowBytes)) {
    const tooLong = {
      line,
      faults: [{ field: 'row', value: 'a longer row', expected: `at most ${maxRowBytes} bytes` }],
    }
    if (text === undefined) yield { row: tooLong, sizeBytes: 0 }
    else if (text.trim() !== '') yield { row: checkRow(line, parseJson(text), text, mode), sizeBytes: text.length }
  }
}

async function* listRows(list: unknown[], mode: RowMode): AsyncGenerator<ReadRow> {
  for (const [index, value] of list.entries()) {
    const text = JSON.stringify(value)
    yield { row: checkRow(index + 1, value, text, mode), sizeBytes: text.length }
  }
}

/** @throws InputError if the body is not a list, or too large */
async function readList(chunks: AsyncIterable<Buffer>): Promise<unknown[]> {
  const read: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of chunks) {
    sizeBytes += chunk.length
    if (sizeBytes > maxJsonBytes)
      throw new InputError({
        field: 'body',
        value: 'a longer body',
        expected: `at most ${maxJsonBytes} bytes of application/json; application/x-ndjson takes more`,
      })
    read.push(chunk)
  }
  const text = Buffer.concat(read).toString('utf8')
  const list = parseJson(text)
  if (!Array.isArray(list)) throw new InputError({ field: 'body', value: text, expected: 'a list of machines in JSON' })
  checkJson(list)
  return list
}

async function* csvRows(
  chunks: AsyncIterable<Buffer>,
  { columns, delimiter }: Headings,
  mode: RowMode,
): AsyncGenerator<ReadRow> {
  let headings = true
  for await (const read of readCsv(chunks, delimiter)) {
    if ('faults' in read) yield { row: read, sizeBytes: 0 }
    else if (headings) headings = false
    else {
      const text = read.cells.join(' ')
      if (text.trim() === '') continue
      yield { row: checkCells(read.line, read.cells, columns, mode), sizeBytes: text.length }
    }
  }
}

function checkCells(line: number, cells: string[], columns: string[], mode: RowMode): MachineRow | BadRow {
  const extra = cells.slice(columns.length).find((cell) => cell.trim() !== '')
  if (extra !== undefined)
    return {
      line,
      faults: [{ field: 'row', value: extra, expected: `${columns.length} cells, one for each heading` }],
    }
  const row = checkRow(line, rowOfCells(columns, cells), cells.join(' '), mode)
  if (!('faults' in row)) return row
  return { line, faults: row.faults.map((fault) => ({ ...fault, field: columnOf(fault.field) })) }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
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
function checkRow(line: number, value: unknown, text: string, mode: RowMode): MachineRow | BadRow {
  const bad = (field: string, found: string, expected: string) => ({
    line,
    faults: [{ field, value: found, expected }],
  })
  if (text.includes('\ufffd')) return bad('row', text.slice(0, 80), 'text in UTF-8')
  if (value === null || typeof value !== 'object' || Array.isArray(value))
    return bad('row', text.slice(0, 80), 'a JSON object')
  const unreadable = faultsIn(value)
  if (unreadable !== undefined) return { line, faults: unreadable }
  const checked = machineRow.safeParse(value)
  if (!checked.success) return { line, faults: checked.error.issues.flatMap((issue) => faultsOf(issue, value)) }
  const { mac: address, id, ...change } = checked.data
  const key = keyOf(address, id, change)
  if (key === undefined)
    return bad('mac', 'nothing', 'a MAC address, or else an id, a UUID, or a serial with a product')
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
