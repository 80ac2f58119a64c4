// Response schemas of the versions of an image.
import { z } from '@hono/zod-openapi'
import { arch, imageName, moment, platform, sha256, version } from '../common.ts'
import type { Given } from '../json.ts'
import { variantSchema } from './variant.ts'

export const versionSchema = z
  .object({
    version,
    current: z.boolean(),
    variants: z.array(variantSchema),
    source: z
      .string()
      .optional()
      .openapi({ description: 'The source of the import. If absent, an operator assembled the version.' }),
    installer: z.boolean().optional().openapi({
      description: 'Booting the image may write to the disk of the machine. If absent, nothing is decided.',
    }),
    createdAt: moment,
  })
  .openapi('ImageVersion')

// A version in a path or a query is a text.
const versionText = z
  .string()
  .regex(/^[1-9]\d{0,8}$/, 'the number of a version')
  .transform(Number)
  .openapi({ type: 'integer', minimum: 1, example: 2 })

export const versionParams = z.object({ name: imageName, version: versionText })

export type ImageVersion = Given<typeof versionSchema>

export const versionList = z
  .object({
    items: z.array(versionSchema),
    rollback: version.optional().openapi({
      description:
        'The version that machines booted before the current version. A PATCH of the image can roll back to it. If absent, no rollback is possible.',
    }),
  })
  .openapi('ImageVersionList')
export type ImageVersionList = Given<typeof versionList>

export const versionFileList = z
  .object({
    items: z.array(
      z
        .object({
          sha256,
          name: z.string().openapi({ description: 'The name or the path under which the file is served.' }),
          sizeBytes: z.int(),
          checkedAt: moment.optional().openapi({ description: 'When the file was last verified.' }),
          damage: z.string().optional().openapi({ description: 'Why the file is not served.' }),
        })
        .openapi('ImageVersionFile'),
    ),
    sizeBytes: z.int().openapi({ description: 'The size of all files.' }),
  })
  .openapi('ImageVersionFileList')
export type ImageVersionFileList = Given<typeof versionFileList>

export const diffQuery = z.strictObject({
  from: versionText.optional().openapi({ description: 'If absent, the version that a rollback goes to.' }),
  to: versionText.optional().openapi({ description: 'If absent, the current version.' }),
})

const diffFile = z.object({ sha256, name: z.string(), sizeBytes: z.int().optional() })
export const diffSchema = z
  .object({
    from: version,
    to: version,
    variants: z.array(
      z.object({
        arch,
        platform: platform.optional(),
        change: z.enum(['added', 'removed', 'changed']),
        files: z.array(
          z.object({
            role: z.string().openapi({ example: 'initrd initrd.gz' }),
            from: diffFile.optional(),
            to: diffFile.optional(),
          }),
        ),
        args: z.object({
          removed: z.array(z.string()),
          added: z.array(z.string()),
          reordered: z.boolean().openapi({ description: 'The same arguments in another order.' }),
        }),
        fields: z.array(z.object({ field: z.string(), from: z.string().optional(), to: z.string().optional() })),
      }),
    ),
  })
  .openapi('ImageDiff', { description: 'The differences. Variants that are equal are left out.' })
export type ImageDiff = Given<typeof diffSchema>
