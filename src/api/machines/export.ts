import { z } from '@hono/zod-openapi'
import { stringify } from 'csv-stringify/sync'
import type { Db } from '../../db/open.ts'
import {
  cursorOf,
  listMachineKeys,
  type MachineCursor,
  type MachineSearch,
  searchMachines,
} from '../../inventory/machines/list.ts'
import { InputError } from '../../lib/errors.ts'
import type { Machine } from '../../model/machine.ts'
import { endpoint } from '../http/endpoint.ts'
import { streamOf } from '../http/streams.ts'
import { cellsOf, csvColumns } from './csv.ts'
import { exportOf, rowFormats } from './rows.ts'
import { machineSearch, searchOf } from './search.ts'

const pageSize = 500
const mostKeys = 900
const inCreationOrder = { by: 'created', descending: false } as const

export const all = endpoint({
  operationId: 'exportMachines',
  summary: 'What is said of machines, as the bulk upload takes it back',
  description: `Without \`discovered\` those that operators entered: a machine only discovered would come back as an entered one. Facts,
secrets and the history are not in it. In CSV a cell that a spreadsheet would take for a formula has an apostrophe before
it, which the upload takes off again; an empty list of args, and an assignment that says nothing, are left out there.`,
  query: z.strictObject({
    format: z.enum(['ndjson', 'csv']).optional().openapi({ default: 'ndjson' }),
    ...machineSearch,
  }),
  returns: z.string(),
  returnsTypes: rowFormats,
  statuses: { 200: 'The machines, in the order of their creation' },
  answer: async ({ db }, { query: { format = 'ndjson', ...given } }) => {
    const search = { ...searchOf(given), discovered: given.discovered ?? false }
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
  const known = new Set(columns)
  for await (const machines of pages(db, search)) {
    for (const machine of machines) {
      // Named after the headings were sent: better a broken download than one that silently lacks something.
      const fresh = keyColumns(machine).find((column) => !known.has(column))
      if (fresh !== undefined) throw new Error(`machine ${machine.id} got a first ${fresh} during the export`)
    }
    yield stringify(
      machines.map((machine) => cellsOf(columns, exportOf(machine))),
      { quoted_match: /[\r\n]/ },
    )
  }
}

async function columnsFor(db: Db, search: MachineSearch): Promise<string[]> {
  const { labels, params } = await listMachineKeys(db, search, mostKeys + 1)
  if (labels.length > mostKeys || params.length > mostKeys)
    throw new InputError({
      field: 'format',
      value: 'csv',
      expected: `ndjson: there are more than ${mostKeys} labels or params, each a column`,
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
    const machines = await searchMachines(db, search, inCreationOrder, pageSize, after)
    const last = machines.at(-1)
    if (last === undefined) return
    yield machines
    after = cursorOf(last, inCreationOrder)
  }
}
