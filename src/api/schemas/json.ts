// The types of schemas as JSON, for the programs that call the API, such as the command line.
import type { z } from '@hono/zod-openapi'
import type { Json } from '../../model/assignment.ts'

/** A value that a client receives. */
export type Given<Schema extends z.ZodType> = AsJson<z.output<Schema>>

/** A value that a client sends. */
export type Sent<Schema extends z.ZodType> = AsJson<z.input<Schema>>

/** In JSON, a Date is an ISO 8601 text. */
type AsJson<Value> = Value extends Json
  ? Value
  : Value extends Date
    ? string
    : Value extends object
      ? { [Key in keyof Value]: AsJson<Value[Key]> }
      : Value
