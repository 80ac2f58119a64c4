// The query of requests that change something: `dryRun=true` also where the body has a field `dryRun`.
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { textFlag } from '../schemas/common.ts'

type Spec = { query?: z.ZodType; body?: z.ZodType }

const query = z.strictObject({
  dryRun: textFlag.openapi({
    description: 'The same as `dryRun` in the body. Nothing changes if one of them is true.',
  }),
})
const noQuery = z.strictObject({})

/** Whether the body of an endpoint has a field `dryRun`. */
export function hasDryRunBody({ body }: Spec): boolean {
  return body instanceof z.ZodObject && 'dryRun' in body.shape
}

/** An endpoint with a query. A request with a parameter that the endpoint does not have is refused: it may ask for a dry run. */
export function withQuerySchema<Given extends Spec>(spec: Given): Given {
  return { ...spec, query: spec.query ?? (hasDryRunBody(spec) ? query : noQuery) }
}

/** Whether the query of a request asks for a dry run. */
export function asksForDryRun({ req }: Context): boolean {
  return req.query('dryRun') === 'true'
}

/** The text of a JSON body with `dryRun`. Another text than an object is returned unchanged. */
export function withDryRun(text: string): string {
  try {
    const body: unknown = JSON.parse(text)
    const isObject = typeof body === 'object' && body !== null && !Array.isArray(body)
    return isObject ? JSON.stringify({ ...body, dryRun: true }) : text
  } catch {
    return text
  }
}
