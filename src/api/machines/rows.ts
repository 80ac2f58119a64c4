// The rows of a bulk upload, read one by one from JSON lines, a JSON list or CSV, and checked.
import type { MachineChange } from '../../inventory/machines/fields.ts'
import { auditViewOf } from '../../inventory/machines/machines.ts'
import type { BadRow, MachineRow, RowKey } from '../../inventory/machines/plan.ts'
import { type FieldFault, InputError } from '../../lib/errors.ts'
import type { Machine } from '../../model/machine.ts'
import { type Headings, readCsv, readHeadings } from '../http/csv.ts'
import { checkJson } from '../http/json-text.ts'
import { mostRowBytes, readLines } from '../http/lines.ts'
import { faultsOf } from '../http/problems.ts'
import { machineRow } from '../schemas/machines/bulk.ts'
import { columnOf, rowOfCells } from './csv.ts'

export const rowFormats = ['application/x-ndjson', 'text/csv', 'application/json'] as const
export type RowFormat = (typeof rowFormats)[number]

/** A row, and how long it was. */
export type ReadRow = { row: MachineRow | BadRow; sizeBytes: number }

/** What a row does to a machine: it merges with what is entered, or replaces all of that. */
export type RowMode = 'merge' | 'replace'

/** A machine as it is exported, and as it comes back. */
export type MachineExport = Omit<ReturnType<typeof auditViewOf>, 'discovered'>

/** A document of JSON is read whole; longer lists come as JSON lines. */
const maxJsonBytes = 32 * 2 ** 20

/**
 * The rows of an upload, checked one by one, from the start each time.
 * @throws InputError when the line of headings of a CSV is wrong
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
  for await (const { line, text } of readLines(chunks, mostRowBytes)) {
    const tooLong = {
      line,
      faults: [{ field: 'row', value: 'a longer one', expected: `at most ${mostRowBytes} bytes` }],
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

/** @throws InputError if it is not a list, or too long */
async function readList(chunks: AsyncIterable<Buffer>): Promise<unknown[]> {
  const read: Buffer[] = []
  let sizeBytes = 0
  for await (const chunk of chunks) {
    sizeBytes += chunk.length
    if (sizeBytes > maxJsonBytes)
      throw new InputError({
        field: 'body',
        value: 'a longer one',
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
      faults: [{ field: 'row', value: extra, expected: `${columns.length} cells, as there are headings` }],
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

/** `text` is the row as it came. */
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
  // A row with the id may replace the MACs.
  if (id !== undefined) return { id }
  if (address !== undefined) return { mac: address }
  if (macs !== undefined) return { macs }
  if (uuid) return { uuid }
  return serial && product ? { serial, product } : undefined
}

/** What operators say of a machine, as a row. */
export function exportOf(machine: Machine): MachineExport {
  const { discovered: _, ...row } = auditViewOf(machine)
  return row
}
