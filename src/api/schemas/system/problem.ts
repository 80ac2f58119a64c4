// Response schemas of errors (RFC 9457).
import { z } from '@hono/zod-openapi'
import type { Given } from '../json.ts'

export const fieldFault = z
  .object({
    field: z.string().openapi({ example: 'hostname' }),
    value: z.string().openapi({ example: 'a_b' }),
    expected: z.string().openapi({ example: 'a host name (RFC 1123)' }),
    message: z.string().optional().openapi({
      description: 'The whole sentence, if field, expected and value do not express it.',
      example: 'unknown field "timeout"; did you mean timeoutSeconds?',
    }),
  })
  .openapi('FieldFault')

/** RFC 9457, section 3.1. The type is always about:blank, for which the title is the status in words (section 4.2.1). */
export const problemSchema = z
  .object({
    type: z.literal('about:blank'),
    title: z.string().openapi({ example: 'Unprocessable Content' }),
    status: z.int().openapi({ example: 422 }),
    detail: z.string().openapi({ example: 'hostname: expected a host name (RFC 1123), got "a_b"' }),
    code: z.string().optional().openapi({
      description: 'The code of a refusal, which `bootwright explain-code` explains.',
      example: 'BW-ACCESS-ROLE',
    }),
    errors: z.array(fieldFault).optional().openapi({ description: 'Every field with a wrong value.' }),
  })
  .openapi('Problem')
export type Problem = Given<typeof problemSchema>
