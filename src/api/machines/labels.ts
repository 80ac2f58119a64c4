// /machines/labels: the labels in use, for filters.
import { z } from '@hono/zod-openapi'
import { listLabels } from '../../inventory/machines/search/labels.ts'
import { endpoint } from '../http/endpoint.ts'
import { labelList } from '../schemas/machines/label.ts'

const defaultValues = 20

export const list = endpoint({
  operationId: 'listMachineLabels',
  action: 'inventory.read',
  scope: 'filtered',
  summary: 'List the labels of machines with their most used values',
  description: 'At most 100 labels: those that most machines have.',
  query: z.strictObject({
    values: z
      .string()
      .regex(/^([1-9]|[1-9][0-9]|100)$/, 'a whole number from 1 to 100')
      .transform(Number)
      .optional()
      .openapi({ type: 'integer', minimum: 1, maximum: 100, default: defaultValues }),
  }),
  returns: labelList,
  statuses: { 200: 'The labels' },
  answer: async ({ db }, { query: { values = defaultValues }, scope }) => ({
    status: 200,
    body: { items: await listLabels(db, scope, values) },
  }),
})
