// Response schemas of boot programs.
import { z } from '@hono/zod-openapi'
import type { Given } from '../json.ts'

const firmware = z
  .object({
    code: z.int().openapi({ description: 'DHCP option 93.', example: 7 }),
    words: z.string().openapi({ example: 'UEFI x86-64' }),
    transport: z.enum(['tftp', 'http']),
  })
  .openapi('FirmwareKind')

const chosen = {
  machines: z.int().openapi({ description: 'The number of machines that get it by their own choice or by a group.' }),
  groups: z.array(z.string()).openapi({ description: 'The groups that choose it.' }),
}

export const bootProgramList = z
  .object({
    items: z.array(
      z
        .object({
          name: z.string().openapi({ example: 'snponly.efi' }),
          version: z
            .string()
            .optional()
            .openapi({ description: 'The version of iPXE, if known.', example: '1.21.1+git20250501.dad20602+dfsg-1' }),
          builtFor: z
            .string()
            .optional()
            .openapi({ description: 'bios, or the processor of UEFI. Absent if the file does not tell.' }),
          sizeBytes: z.int().optional(),
          sha256: z.string().optional(),
          defaultFor: z.array(firmware).openapi({ description: 'The firmware that gets it without a choice.' }),
          ...chosen,
        })
        .openapi('BootProgram'),
    ),
    missing: z
      .array(firmware.extend({ expected: z.array(z.string()), meaning: z.string() }))
      .openapi({ description: 'The firmware for which this server has no boot program.' }),
    absent: z
      .array(z.object({ name: z.string(), ...chosen }))
      .openapi({ description: 'Boot programs that are chosen, but that this server does not have.' }),
    more: z.boolean().openapi({ description: 'There are machines whose choice was not counted.' }),
  })
  .openapi('BootProgramList')
export type BootProgramList = Given<typeof bootProgramList>
