// Request and response schemas of codes.
import { z } from '@hono/zod-openapi'
import { codeSources, firmwares } from '../../../model/codes/code.ts'
import { maxSearchedCharacters } from '../../../model/codes/find-codes.ts'
import type { Given } from '../json.ts'

const firmware = z
  .enum(firmwares)
  .optional()
  .openapi({ description: 'The firmware of the machine. PXE codes differ between BIOS and UEFI. If absent, both.' })

export const codeParams = z.object({
  code: z.string().max(100).openapi({ example: '2d0c613b', description: 'A code, such as `PXE-E53` or `2d0c613b`.' }),
})
export const codeQuery = z.strictObject({ firmware })
export const codeTextQuery = z.strictObject({
  text: z
    .string()
    .min(1)
    .max(maxSearchedCharacters)
    .openapi({ example: 'PXE-E18: Server response timeout.', description: 'A text, such as a line of a console.' }),
  firmware,
})

const explanation = z
  .object({
    code: z.string().openapi({ example: '2d0c613b' }),
    source: z.enum(codeSources).openapi({ description: 'The program that printed the code.' }),
    firmware: z.enum(firmwares).optional(),
    title: z.string().openapi({ description: 'The failure, in at most 60 characters.' }),
    meaning: z.string(),
    causes: z.array(z.string()).openapi({ description: 'The likely causes, the most likely first.' }),
    checks: z.array(z.string()).openapi({ description: 'The next steps, in order.' }),
    message: z.string().optional().openapi({ description: "The program's own text." }),
    details: z.array(z.string()).optional().openapi({ description: 'Facts that are in the code.' }),
    page: z.string().optional().openapi({ description: 'A page with more.' }),
  })
  .openapi('CodeExplanation')

export const explanationList = z.object({ items: z.array(explanation) }).openapi('CodeExplanationList')
export type ExplanationList = Given<typeof explanationList>
