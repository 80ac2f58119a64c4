// Request and response schemas of secrets. Responses have only the names.
import { z } from '@hono/zod-openapi'
import { moment } from '../common.ts'
import type { Given } from '../json.ts'
import { variableName } from './assignment.ts'

const secretSchema = z.object({ name: variableName, updatedAt: moment }).openapi('Secret')

export const secretList = z.object({ items: z.array(secretSchema) }).openapi('SecretList')
export type SecretList = Given<typeof secretList>

export const secretPut = z
  .strictObject({
    value: z
      .string()
      .min(1, 'a value')
      .max(65_536, 'at most 65536 characters')
      .refine((text) => !/\0|\p{Cs}/u.test(text), 'text without NUL and unpaired surrogates')
      .openapi({ writeOnly: true }),
  })
  .openapi('SecretPut')
