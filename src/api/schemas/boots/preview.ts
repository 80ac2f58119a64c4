// Request and response schemas of previews.
import { z } from '@hono/zod-openapi'
import { arch, boardUuid, hostname, mac, platform, printable } from '../common.ts'
import { answerDocument } from '../images/answer-file.ts'
import type { Given } from '../json.ts'

export const previewQuery = z.strictObject({
  arch: arch.optional().openapi({ description: 'Replaces the architecture of the machine.' }),
  platform: platform.optional().openapi({ description: 'Replaces the platform of the machine.' }),
  baseUrl: z
    .string()
    .regex(/^https?:\/\/[A-Za-z0-9_.[\]:-]{1,255}$/, 'http://host[:port] without a path')
    .optional()
    .openapi({
      description: 'The base URL at which the machine would reach the boot server.',
      example: 'http://192.0.2.1:8080',
    }),
})

const text = printable(253).optional()
export const explainQuery = previewQuery.extend({
  mac: mac.optional(),
  uuid: boardUuid.optional(),
  serial: text,
  asset: text,
  manufacturer: text,
  product: text,
  hostname: hostname.optional(),
  ip: z.union([z.ipv4(), z.ipv6()], { error: 'an IP address' }).optional(),
})

export const filledAnswerFile = z
  .object({
    items: z.array(answerDocument),
    refusal: z.string().optional().openapi({ description: 'Why the machine is refused, and the next step.' }),
  })
  .openapi('FilledAnswerFile')
export type FilledAnswerFile = Given<typeof filledAnswerFile>
