// The preconditions of a request: If-Match and If-None-Match.
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Precondition } from '../../inventory/common/precondition.ts'
import { InputError } from '../../lib/errors.ts'

/** The request headers of a conditional endpoint, for its documentation. */
export const conditionalHeaders = z.object({
  'if-match': z.string().optional().openapi({
    description:
      'The ETag that was read. If the resource has changed since, the answer is 412. `*`: the resource must exist.',
  }),
  'if-none-match': z.string().optional().openapi({ description: '`*`: the resource must not exist yet.' }),
})

/** The preconditions in the headers of a request (RFC 9110, 13.1.1 and 13.1.2). @throws InputError */
export function preconditionOf(context: Context): Precondition {
  const match = context.req.header('if-match')?.trim()
  const noneMatch = context.req.header('if-none-match')?.trim()
  if (noneMatch !== undefined && noneMatch !== '*')
    throw new InputError({ field: 'If-None-Match', value: noneMatch, expected: '*, or no such header' })
  return { ifMatch: match === undefined || match === '*' ? match : parseTags(match), ifNoneMatch: noneMatch }
}

function parseTags(text: string): string[] {
  const tags = text.match(/(W\/)?"[\x21\x23-\x7e]*"/g)
  if (tags === null || text.replaceAll(/(W\/)?"[\x21\x23-\x7e]*"|[\s,]/g, '') !== '')
    throw new InputError({ field: 'If-Match', value: text, expected: 'ETags as they were sent, or *' })
  return tags
}
