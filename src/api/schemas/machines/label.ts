// Response schema of the labels in use.

import { z } from '@hono/zod-openapi'

export const labelList = z
  .object({
    items: z.array(
      z
        .object({
          key: z.string().openapi({ example: 'rack' }),
          machines: z.int().openapi({ description: 'The number of machines with this label.' }),
          values: z.array(z.object({ value: z.string(), machines: z.int() })),
        })
        .openapi('LabelValues'),
    ),
  })
  .openapi('LabelList')
