// The values that several schemas share: names, keys, times, pages.

import { z } from '@hono/zod-openapi'
import { parseMac } from '../../lib/ids/mac.ts'
import { namePattern } from '../../lib/ids/names.ts'
import { parseUuid } from '../../lib/ids/uuid.ts'
import { archs, platforms } from '../../model/arch.ts'
import { sha256Pattern } from '../../model/image.ts'
import type { MachineKey } from '../../model/machine.ts'
import { argFault } from '../../render/args.ts'

// In JSON, a Date is an ISO 8601 text.
export const moment = z.date().openapi({ type: 'string', format: 'date-time', example: '2026-01-31T09:30:00.000Z' })

/** The fields of everything that operators edit: when it changed, and its revision for ETag and If-Match. */
export const history = { revision: z.int(), createdAt: moment, updatedAt: moment }

/** A time in a query. */
export const instant = z.iso
  .datetime({ offset: true, error: 'a time, 2026-01-31T09:30:00Z' })
  .transform((text) => new Date(text))
  .openapi({ type: 'string', format: 'date-time', example: '2026-01-31T09:30:00Z' })

/** The code of a failure, decoded. */
export const failure = z
  .object({
    code: z.string().openapi({ example: '2d0c613b' }),
    title: z.string().openapi({ example: 'HTTP 404: no such file on the server' }),
    meaning: z.string(),
    page: z.string().optional().openapi({ description: 'A page with more.' }),
  })
  .openapi('Failure', {
    description: 'The code of iPXE in the message, or the finding of a refusal. `GET /codes/{code}` has the causes.',
  })

export const arch = z.enum(archs)
export const platform = z.enum(platforms)

export const uuidv7 = z
  .uuidv7({ error: 'an id (UUID version 7)' })
  .toLowerCase()
  .openapi({ format: 'uuid', example: '0190d3f2-7c1a-7b5e-9f00-3a5d2c1b4e6f' })

/** Text without control, format and unpaired surrogate characters (which PostgreSQL does not store), on one line. */
export function printable(max: number): z.ZodString {
  const message = `1 to ${max} printable characters`
  return z.string().trim().min(1, message).max(max, message).refine(isPrintable, message)
}

export function isPrintable(text: string): boolean {
  return /^[^\p{C}\p{Zl}\p{Zp}]*$/u.test(text)
}

export const mac = z
  .string()
  .transform((text, context) => parseMac(text) ?? refuse(context, 'the MAC address of one network card'))
  .openapi({ type: 'string', example: '52:54:00:12:34:56' })

/** A machine in a URL or a body: its id, one of its MACs, the UUID of its board, or its host name. */
export const machineKey = z
  .string()
  .transform((text, context): MachineKey => {
    const address = parseMac(text)
    if (address !== undefined) return { mac: address }
    const id = uuidv7.safeParse(text).data ?? parseUuid(text)
    if (id !== undefined) return { uuid: id }
    const name = hostname.safeParse(text)
    return name.success
      ? { hostname: name.data }
      : refuse(context, 'a MAC address, a UUID, an id or a host name of a machine')
  })
  .openapi({
    type: 'string',
    description:
      'A machine: one of its MAC addresses in any spelling, its id, its UUID, or its host name. If several machines have the host name or UUID, the answer is a conflict (409) that lists them.',
    example: '52-54-00-12-34-56',
  })

/** The UUID of a machine's board. */
export const boardUuid = z
  .string()
  .transform((text, context) => parseUuid(text) ?? refuse(context, "a UUID, and not a vendor's placeholder"))
  .openapi({ format: 'uuid', example: '4c4c4544-0042-3510-8054-b7c04f4e3332' })

export const imageName = z
  .string()
  .regex(namePattern, 'the name of an image: a-z, 0-9 and . _ -, at most 63 characters')
  .openapi({ example: 'debian-12' })

export const sha256 = z
  .string()
  .regex(sha256Pattern, 'a sha256 in lower-case hexadecimal')
  .openapi({ example: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08' })

export const fileName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/, 'a file name: letters, digits and . _ -, at most 128 characters')
  .openapi({ example: 'vmlinuz' })

const arg = z
  .string()
  .min(1, 'a kernel argument')
  .max(1024, 'at most 1024 characters')
  .superRefine((text, context) => {
    const fault = argFault(text)
    if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
  })
  .openapi({ example: 'console=ttyS0,115200n8' })

export const args = z
  .array(arg)
  .max(64, 'at most 64 arguments')
  .openapi({ description: 'Kernel arguments. Each is a Liquid template.' })

export const hostname = z
  .string()
  .toLowerCase()
  .max(253, 'a host name (RFC 1123)')
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$/, 'a host name (RFC 1123)')
  .openapi({ example: 'node1.example.org' })

/** The number of a version of an image or an answer file. */
export const version = z.int().min(1).max(2_147_483_647)

export const day = z.iso
  .date({ error: 'a day, 2028-06-30' })
  .openapi({ example: '2028-06-30', description: 'The last day with updates.' })

export const limit = z
  .string()
  .regex(/^[0-9]{1,4}$/, 'a whole number from 1 to 1000')
  .transform(Number)
  .refine((count) => count >= 1 && count <= 1000, 'a whole number from 1 to 1000')
  .optional()
  .openapi({ type: 'integer', minimum: 1, maximum: 1000, default: 100 })

/** The query of a list that continues after a cursor. */
export function listQuery<Cursor extends z.ZodType>(cursor: Cursor) {
  const after = cursor.optional().openapi({ description: 'The `next` value of the previous page.' })
  return z.strictObject({ limit, after })
}

/** The schema of one page of a list, and of the cursor of the next. */
export function pageOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    items: z.array(item),
    next: z.string().optional().openapi({ description: 'The cursor of the next page. Absent on the last page.' }),
  })
}

/** A flag in a query. */
export const textFlag = z
  .enum(['true', 'false'])
  .transform((text) => text === 'true')
  .optional()
  .openapi({ type: 'boolean' })

/** The response schema of these fields: each is a text or absent. */
export function optionalTexts<Name extends string>(fields: Record<Name, z.ZodType>) {
  const texts = Object.keys(fields).map((name) => [name, z.string().optional()])
  return Object.fromEntries(texts) as Record<Name, z.ZodOptional<z.ZodString>>
}

/** Only true, or absent. It is a boolean, because some client generators read the constant `true` as a text. */
export const onlyTrue = z.boolean().refine((value): value is true => value, 'true, or no such field')

/** Reports a fault from inside a transform. */
export function refuse(context: z.core.$RefinementCtx, message: string): never {
  context.addIssue({ code: 'custom', message, input: context.value })
  return z.NEVER
}
