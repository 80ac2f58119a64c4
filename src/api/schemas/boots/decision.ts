// Response schemas of a decision about what a machine boots.
import { z } from '@hono/zod-openapi'
import { arch, imageName, platform, uuidv7 } from '../common.ts'
import { chap, fileRef } from '../images/variant.ts'
import type { Given } from '../json.ts'

const words = z.array(z.string())
const withoutArgs = z
  .array(z.object({ pattern: z.string(), count: z.int() }))
  .optional()
  .openapi({ description: 'Patterns that remove arguments, each applied to the first `count` of `args`.' })

const bootSpec = z
  .discriminatedUnion('kind', [
    z
      .object({
        kind: z.literal('linux'),
        kernel: fileRef,
        initrds: z.array(fileRef),
        args: words,
        withoutArgs,
        tree: z.string().optional().openapi({ description: 'The digest in the URL of the tree of the image.' }),
      })
      .openapi('BootLinux'),
    z
      .object({ kind: z.literal('wimboot'), wimboot: fileRef, files: z.array(fileRef), args: words, withoutArgs })
      .openapi('BootWimboot'),
    z
      .object({
        kind: z.literal('efi'),
        file: fileRef,
        args: words,
        withoutArgs,
        tree: z.string().optional().openapi({ description: 'The digest in the URL of the tree of the image.' }),
        treePath: z.string().optional().openapi({ description: 'The path of the program in the tree.' }),
        bootConfig: z
          .object({ sha256: z.string(), name: z.string() })
          .optional()
          .openapi({ description: 'The boot.cfg that is rendered for this boot. The args are its kernel options.' }),
      })
      .openapi('BootEfi'),
    z.object({ kind: z.literal('ipxe'), file: fileRef }).openapi('BootIpxe'),
    z
      .object({
        kind: z.literal('sanboot'),
        file: fileRef.optional(),
        target: z.string().optional(),
        initiator: z.string().optional(),
        chap: chap.optional(),
      })
      .openapi('BootSan', { description: 'A file or a target.' }),
    z
      .object({
        kind: z.literal('local'),
        method: z.union([z.enum(['exit-0', 'exit-1', 'sanboot']), z.object({ file: z.string() })]),
      })
      .openapi('BootLocal'),
    z
      .object({
        kind: z.literal('menu'),
        menu: z.string(),
        title: z.string(),
        timeoutSeconds: z.int().nullable(),
        defaultEntry: z.string().nullable(),
        note: z.string().optional().openapi({ description: 'Why the menu waits for a person despite its timeout.' }),
        entries: z.array(z.object({ name: z.string(), text: z.string(), hotkey: z.string().optional() })),
      })
      .openapi('BootMenu'),
    z.object({ kind: z.literal('shell') }).openapi('BootShell'),
    z.object({ kind: z.literal('reboot') }).openapi('BootReboot'),
    z.object({ kind: z.literal('wait') }).openapi('BootWait'),
    z
      .object({
        kind: z.literal('refusal'),
        code: z
          .string()
          .optional()
          .openapi({ example: 'BW-NO-VARIANT', description: 'The finding. `GET /codes/{code}` explains it.' }),
        reason: z.string(),
        nextStep: z.string(),
      })
      .openapi('BootRefusal'),
  ])
  .openapi('BootSpec', { description: 'The action of the machine for this boot.' })

/** A decision: what a machine boots, and why. */
export const decisionSchema = z
  .object({
    target: z.object({
      arch,
      platform,
      assumed: words.openapi({ description: 'Values that the machine did not report.' }),
    }),
    machine: z
      .object({
        id: uuidv7,
        name: z.string(),
        discovered: z.boolean(),
        hostname: z.string().optional(),
        uuid: z.string().optional(),
        serial: z.string().optional(),
        product: z.string().optional(),
        asset: z.string().optional(),
        labels: z.record(z.string(), z.string()),
      })
      .optional(),
    identity: z
      .object({
        by: z.string().openapi({ example: 'MAC 52:54:00:12:34:56' }),
        byMac: z.boolean(),
        weak: z.string().optional().openapi({
          description: 'Why the identity is uncertain. If present, installers are not served.',
        }),
      })
      .optional()
      .openapi({ description: 'How the machine was identified.' }),
    doubt: z.string().optional().openapi({
      description:
        'Why the machine may be another machine that an operator entered. If present, installers are not served.',
    }),
    deployment: z
      .object({ id: uuidv7, attempt: z.int(), maxAttempts: z.int() })
      .optional()
      .openapi({ description: 'The deployment that this boot is an attempt of.' }),
    image: z.object({ name: imageName, version: z.int() }).optional(),
    answerFile: z.object({ name: z.string(), version: z.int() }).optional(),
    asOf: z.iso.datetime().optional().openapi({
      description:
        'The time of the last answer of the database. Present if the decision was made without the database.',
    }),
    groups: words.openapi({ description: 'The groups that match, the weakest first.' }),
    params: z
      .record(z.string(), z.unknown())
      .openapi({ description: 'Merged from the groups that match and the machine.' }),
    spec: bootSpec,
    notices: words.openapi({ description: 'Further messages on the screen of the machine.' }),
    reasons: z.array(z.object({ candidate: z.string(), won: z.boolean(), why: z.string() })),
  })
  .openapi('Decision')

/** A decision with the groups that do not match, and why. */
export const explainedDecision = decisionSchema
  .extend({
    others: z
      .array(z.object({ group: z.string(), why: z.string() }))
      .openapi({ description: 'The groups that do not match, each with the first condition that does not hold.' }),
  })
  .openapi('ExplainedDecision')
export type ExplainedDecision = Given<typeof explainedDecision>
