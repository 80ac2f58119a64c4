import { z } from '@hono/zod-openapi'
import { fileRef } from './images.ts'
import { arch, imageName, platform, uuidv7 } from './schemas.ts'

const words = z.array(z.string())

const bootSpec = z
  .discriminatedUnion('kind', [
    z
      .object({ kind: z.literal('linux'), kernel: fileRef, initrds: z.array(fileRef), args: words })
      .openapi('BootLinux'),
    z.object({ kind: z.literal('efi'), file: fileRef, args: words }).openapi('BootEfi'),
    z.object({ kind: z.literal('ipxe'), file: fileRef }).openapi('BootIpxe'),
    z.object({ kind: z.literal('local') }).openapi('BootLocal'),
    z.object({ kind: z.literal('wait') }).openapi('BootWait'),
    z.object({ kind: z.literal('refusal'), reason: z.string(), nextStep: z.string() }).openapi('BootRefusal'),
  ])
  .openapi('BootSpec', { description: 'What to do now.' })

/** What a machine boots, and why, as `inventory/decision.ts` gives it. */
export const decisionSchema = z
  .object({
    target: z.object({ arch, platform, assumed: words.openapi({ description: 'What the machine never said.' }) }),
    machine: z
      .object({
        id: uuidv7,
        name: z.string(),
        discovered: z.boolean(),
        hostname: z.string().optional(),
        labels: z.record(z.string(), z.string()),
      })
      .optional(),
    image: z.object({ name: imageName, version: z.int() }).optional(),
    spec: bootSpec,
    reasons: z.array(z.object({ candidate: z.string(), won: z.boolean(), why: z.string() })),
  })
  .openapi('Decision')
