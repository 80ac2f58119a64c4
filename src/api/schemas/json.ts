// What a schema's value is in JSON: the types that programs of ours which read the API use, the command line for one.
import type { z } from '@hono/zod-openapi'
import type { Json } from '../../model/assignment.ts'

/** What the API answers, as a client reads it. */
export type Given<Schema extends z.ZodType> = AsJson<z.output<Schema>>

/** What a client sends. */
export type Sent<Schema extends z.ZodType> = AsJson<z.input<Schema>>

/** A Date is a text in JSON, of ISO 8601. */
type AsJson<Value> = Value extends Json
  ? Value
  : Value extends Date
    ? string
    : Value extends object
      ? { [Key in keyof Value]: AsJson<Value[Key]> }
      : Value
