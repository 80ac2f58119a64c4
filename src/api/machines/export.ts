// /machines/export: entered machines, in the format of the bulk upload.
import { z } from '@hono/zod-openapi'
import { stringify } from 'csv-stringify/sync'
import type { Db } from '../../db/open.ts'
import {
  creationOrder,
  cursorOf,
  listMachineKeys,
  type MachineCursor,
  searchMachines,
} from '../../inventory/machines/list.ts'
import type { MachineSearch } from '../../inventory/machines/search/condition.ts'
import { InputError } from '../../lib/errors.ts'
import type { Machine } from '../../model/machine.ts'
import { endpoint } from '../http/endpoint.ts'
import { streamOf } from '../http/streams.ts'
import { exportQuery } from '../schemas/machines/bulk.ts'
import { cellsOf, csvColumns } from './csv.ts'
import { exportOf, rowFormats } from './rows.ts'
import { findSearch } from './search.ts'

const pageSize = 500
const maxKeys = 900

export const all = endpoint({
  operationId: 'exportMachines',
  action: 'inventory.read',
  scope: 'filtered',
  summary: 'Export machines in the format of the bulk upload',
  description: `By default, only machines that operators entered are exported: an upload would turn discovered machines into entered ones. Facts, secrets
and history are not exported. In CSV, a cell that a spreadsheet would treat as a formula begins with an apostrophe, which
the upload removes. CSV leaves out empty lists of args and empty assignments.`,
  query: exportQuery,
  returns: z.string(),
  returnsTypes: rowFormats,
  statuses: { 200: 'The machines, in the order of their creation' },
  answer: async ({ db }, { query: { format = 'ndjson', ...filter }, scope }) => {
    const discovered = filter.discovered ?? filter.state === 'discovered'
    const search = { ...(await findSearch(db, filter, scope)), discovered }
    const texts = format === 'ndjson' ? jsonLines(db, search) : csvLines(db, search, await columnsFor(db, search))
    const type = format === 'ndjson' ? 'application/x-ndjson' : 'text/csv'
    const headers = {
      'content-type': `${type}; charset=utf-8`,
      'content-disposition': `attachment; filename="machines.${format}"`,
    }
    return new Response(streamOf(texts), { headers })
  },
})

async function* jsonLines(db: Db, search: MachineSearch): AsyncGenerator<string> {
  for await (const machines of pages(db, search))
    yield machines.map((machine) => `${JSON.stringify(exportOf(machine))}\n`).join('')
}

async function* csvLines(db: Db, search: MachineSearch, columns: string[]): AsyncGenerator<string> {
  yield stringify([columns])
  const headings = new Set(columns)
  for await (const machines of pages(db, search)) {
    for (const machine of machines) {
      // The headings are already sent. A failed download is better than one that silently lacks a column.
      const missing = keyColumns(machine).find((column) => !headings.has(column))
      if (missing !== undefined) throw new Error(`machine ${machine.id} got a new column during the export: ${missing}`)
    }
    yield stringify(
      machines.map((machine) => cellsOf(columns, exportOf(machine))),
      { quoted_match: /[\r\n]/ },
    )
  }
}

async function columnsFor(db: Db, search: MachineSearch): Promise<string[]> {
  const { labels, params } = await listMachineKeys(db, search, maxKeys + 1)
  if (labels.length > maxKeys || params.length > maxKeys)
    throw new InputError({
      field: 'format',
      value: 'csv',
      expected: `ndjson: CSV needs a column for each of more than ${maxKeys} labels or params`,
    })
  const fixed = csvColumns.filter((column) => column !== 'id' && column !== 'mac')
  return [...fixed, ...labels.map((key) => `label.${key}`), ...params.map((key) => `param.${key}`)]
}

function keyColumns({ labels, assignment }: Machine): string[] {
  return [
    ...Object.keys(labels).map((key) => `label.${key}`),
    ...Object.keys(assignment?.params ?? {}).map((key) => `param.${key}`),
  ]
}

async function* pages(db: Db, search: MachineSearch): AsyncGenerator<Machine[]> {
  let after: MachineCursor | undefined
  for (;;) {
    const machines = await searchMachines(db, search, creationOrder, pageSize, after)
    const last = machines.at(-1)
    if (last === undefined) return
    yield machines
    after = cursorOf(last, creationOrder)
  }
}
