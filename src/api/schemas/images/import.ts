// Request and response schemas of an import.
import { z } from '@hono/zod-openapi'
import { importStates } from '../../../model/image.ts'
import { arch, imageName, limit, moment, pageOf, platform, printable, sha256, uuidv7 } from '../common.ts'
import type { Given, Sent } from '../json.ts'
import { checkedArgs } from '../machines/assignment.ts'
import { draftText, nextVersion } from './image.ts'
import { fileRef } from './variant.ts'

const sha512 = z.string().regex(/^[0-9a-f]{128}$/, 'a sha512 in lower-case hexadecimal')

const url = z.string().max(4096, 'at most 4096 characters')
const urlFile = z
  .strictObject({ url, sha256: sha256.optional().openapi({ description: 'The expected hash of the bytes.' }) })
  .openapi('UrlFile')

const linuxSource = z
  .strictObject({
    kernel: urlFile,
    initrds: z.array(urlFile).max(16, 'at most 16 files').default([]),
    args: checkedArgs.default([]),
    arch,
    platform: platform.optional().openapi({ description: 'If absent, every platform.' }),
  })
  .openapi('LinuxSource')

/** `recipe, url and file`. */
function listed(words: string[]): string {
  return [words.slice(0, -1).join(', '), ...words.slice(-1)].filter((part) => part !== '').join(' and ')
}

export const importRequest = z
  .strictObject({
    image: imageName
      .optional()
      .openapi({ description: 'The name of the image. If absent, the name of the recipe, or the detected name.' }),
    title: printable(128).optional(),
    installer: z.boolean().optional().openapi({
      description:
        'Whether booting the image may write to the disk of the machine. If absent, the previous value of the image applies, or that of the recipe or layout.',
    }),
    archs: z
      .array(arch)
      .min(1, 'at least one, or no archs field')
      .max(8, 'at most 8')
      .optional()
      .openapi({ description: 'Only the variants for these architectures. If absent, all of them.' }),
    draft: z.boolean().optional().openapi({ description: draftText }),
    recipe: imageName.optional().openapi({ description: 'The name of a recipe.' }),
    mirror: z
      .url({ protocol: /^https?$/, error: 'an http or https URL' })
      .max(1024, 'at most 1024 characters')
      .optional()
      .openapi({ description: "For a recipe: replaces the distribution's own server." }),
    url: url.optional().openapi({
      description: 'The URL of an ISO, an archive of netboot files, an EFI program (.efi) or an iPXE script (.ipxe).',
      example: 'https://deb.debian.org/debian/dists/bookworm/main/installer-amd64/current/images/netboot/mini.iso',
    }),
    sha256: sha256.optional().openapi({ description: 'The expected hash of the bytes at `url`.' }),
    sha512: sha512.optional().openapi({ description: 'The expected hash of the bytes at `url`.' }),
    file: sha256
      .optional()
      .openapi({ description: 'An uploaded ISO, archive, EFI program (.efi) or iPXE script (.ipxe).' }),
    linux: linuxSource
      .optional()
      .openapi({ description: 'A kernel and its initrds. Such an import needs the name of the image.' }),
    keepIso: z
      .boolean()
      .optional()
      .openapi({ description: 'For `url` and `file`: installers can also fetch the ISO itself, below {{ tree }}.' }),
    wimboot: fileRef
      .optional()
      .openapi({ description: 'For Windows: the program of https://ipxe.org/wimboot, uploaded.' }),
  })
  .superRefine((body, context) => {
    const refuse = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    const kinds = (['recipe', 'url', 'file', 'linux'] as const).filter((kind) => body[kind] !== undefined)
    if (kinds.length !== 1) return refuse(kinds[1] ?? 'recipe', 'exactly one of recipe, url, file and linux')
    if (body.linux !== undefined && body.image === undefined) return refuse('image', 'the name of the image')
    const [kind = 'recipe'] = kinds
    const only = {
      archs: ['recipe', 'url', 'file'],
      mirror: ['recipe'],
      sha256: ['url'],
      sha512: ['url'],
      keepIso: ['url', 'file'],
      wimboot: ['url', 'file'],
    }
    for (const [field, kinds] of Object.entries(only))
      if (body[field as keyof typeof only] !== undefined && !kinds.includes(kind))
        refuse(field, `nothing, because the field is only for ${listed(kinds)}`)
  })
  .openapi('ImportRequest')
export type ImportRequest = Sent<typeof importRequest>

export const importSchema = z
  .object({
    id: uuidv7,
    image: imageName.optional().openapi({ description: 'Absent until it is detected.' }),
    source: z.string().openapi({ description: 'The source of the image.', example: 'recipe debian-12' }),
    kind: z.enum(['recipe', 'url', 'file', 'linux']),
    state: z.enum(importStates),
    doing: z.string().openapi({ example: 'downloading debian-12.iso' }),
    doneBytes: z.int().min(0).openapi({ description: 'The progress of the current step.' }),
    totalBytes: z.int().min(0).optional().openapi({ description: 'Absent while the size is unknown.' }),
    bytesPerSecond: z.int().optional().openapi({
      description: 'The speed over the last 10 seconds. Absent at the beginning of a step and after the end.',
    }),
    secondsLeft: z
      .int()
      .optional()
      .openapi({ description: 'The time that the current step will take at this speed. Absent if unknown.' }),
    message: z
      .string()
      .optional()
      .openapi({ description: 'After a failure, its reason. After success, notes to read before booting the image.' }),
    version: z.int().optional().openapi({ description: 'The version of the image that the import added.' }),
    next: nextVersion.optional().openapi({
      description: 'Only with `count` or `dryRun`, and if the name of the image is not detected during the import.',
    }),
    actor: z.string().openapi({ description: 'The actor that requested the import.' }),
    createdAt: moment,
    updatedAt: moment,
    endedAt: moment.optional(),
  })
  .openapi('Import', { description: 'The import of an image: its source, progress and result.' })
export type Import = Given<typeof importSchema>

export const importList = pageOf(importSchema).openapi('ImportList')
export type ImportList = Given<typeof importList>

export const importsQuery = z.strictObject({
  limit,
  before: uuidv7.optional().openapi({ description: 'The `next` value of the previous page.' }),
  image: imageName.optional(),
  state: z
    .enum([...importStates, 'open'])
    .optional()
    .openapi({ description: 'open: waiting or running.' }),
})
