// Request and response schemas of a variant: how an image boots on one kind of machine.
import { z } from '@hono/zod-openapi'
import { isTreePath, type Variant as StoredVariant } from '../../../model/image.ts'
import { namesTree } from '../../../render/args.ts'
import { checkText } from '../../../render/liquid.ts'
import { sanRoots } from '../../../render/san.ts'
import { arch, fileName, isPrintable, platform, sha256 } from '../common.ts'
import type { Given } from '../json.ts'
import { checkedArgs, variableName } from '../machines/assignment.ts'

export const fileRef = z
  .strictObject({ sha256, name: fileName })
  .openapi('FileRef', { description: 'A stored file, and the name under which it is served.' })
export type FileRef = Given<typeof fileRef>

const fits = { arch, platform: platform.optional().openapi({ description: 'If absent, every platform.' }) }

const maxTreeFiles = 2000

const tree = z
  .array(
    z.strictObject({
      path: z
        .string()
        .refine(isTreePath, 'a relative path of at most 255 characters: no . or .. or empty part, no backslash')
        .openapi({ example: 'images/install.img' }),
      sha256,
    }),
  )
  .max(maxTreeFiles, `at most ${maxTreeFiles} files`)
  .refine((files) => !hasDuplicates(files.map(({ path }) => path)), 'each path only once')
  .openapi({
    description: 'Further files that the installer fetches, below the URL that args refer to as {{ tree }}.',
  })

const maxWimFiles = 32

/** Liquid that renders to one word of an iPXE script. */
function liquidWord(roots: readonly string[]) {
  return z
    .string()
    .min(1, 'not empty')
    .max(512, 'at most 512 characters')
    .refine(
      (text) => isPrintable(text) && !/\s|\$\{/.test(text.replace(/\{\{[^{}]*\}\}/g, '')),
      'one word: no white space outside {{ }}, no control characters, no ${',
    )
    .superRefine((text, context) => {
      for (const fault of checkText(text, roots))
        context.addIssue({ code: 'custom', message: `valid Liquid (${fault})` })
    })
}

const password = variableName.openapi({ description: 'The name of a secret of the machine or of one of its groups.' })
const chapUser = liquidWord(sanRoots.withSecrets).openapi({
  description: 'Liquid; it may use secrets.',
  example: '{{ secrets.chap_user }}',
})
export const chap = z
  .strictObject({
    username: chapUser,
    password,
    reverse: z.strictObject({ username: chapUser, password }).optional().openapi({
      description: 'How the target authenticates itself to the machine.',
    }),
  })
  .openapi('Chap', { description: 'CHAP (RFC 7143, 12.1). Passwords are names of secrets.' })
export type Chap = Given<typeof chap>

const sanboot = z
  .strictObject({
    kind: z.literal('sanboot'),
    ...fits,
    file: fileRef.optional().openapi({ description: 'An ISO or a disk image, read over HTTP.' }),
    target: liquidWord(sanRoots.open)
      .refine((text) => /^(iscsi:|\{\{)/.test(text), 'iscsi:SERVER:PROTOCOL:PORT:LUN:IQN (RFC 4173)')
      .optional()
      .openapi({
        description: 'A disk of a storage network. Liquid.',
        example: 'iscsi:{{ params.portal }}::::{{ params.iqn }}',
      }),
    initiator: liquidWord(sanRoots.open)
      .optional()
      .openapi({ description: 'The IQN of the machine. If absent, iPXE generates it. Liquid.' }),
    chap: chap.optional(),
  })
  .refine((other) => (other.file === undefined) !== (other.target === undefined), {
    path: ['target'],
    message: 'either a file or a target',
  })
  .refine((other) => other.target !== undefined || (other.initiator === undefined && other.chap === undefined), {
    path: ['file'],
    message: 'no file: initiator and chap are only for a target',
  })
  .openapi('SanVariant', {
    description: 'A disk that iPXE reads over the network: an image file, or a disk of an iSCSI target.',
  })

const union = z
  .discriminatedUnion(
    'kind',
    [
      z
        .strictObject({
          kind: z.literal('linux'),
          ...fits,
          kernel: fileRef,
          initrds: z.array(fileRef).max(16, 'at most 16 files').default([]),
          args: checkedArgs.default([]),
          tree: tree.optional(),
        })
        .refine((other) => other.tree?.length || !other.args.some(namesTree), {
          path: ['args'],
          message: 'no {{ tree }} in a variant without a tree',
        })
        .openapi('LinuxVariant'),
      z
        .strictObject({
          kind: z.literal('wimboot'),
          ...fits,
          wimboot: fileRef.openapi({ description: 'The program of https://ipxe.org/wimboot.' }),
          files: z
            .array(fileRef)
            .min(1, 'at least one file')
            .max(maxWimFiles, `at most ${maxWimFiles} files`)
            .refine((files) => !hasDuplicates(files.map(({ name }) => name.toLowerCase())), 'each name only once')
            .openapi({
              description:
                'BCD, boot.sdi, boot.wim and further files, under the names that Windows PE expects. The documents of the answer file are added for each boot.',
            }),
          args: checkedArgs.default([]).openapi({ description: 'Arguments of wimboot: gui, pause, index=2. Liquid.' }),
        })
        .openapi('WimbootVariant', { description: 'Windows PE.' }),
      z
        .strictObject({
          kind: z.literal('efi'),
          ...fits,
          file: fileRef,
          args: checkedArgs.default([]),
          tree: tree.optional(),
          bootConfig: z.string().optional().openapi({
            description:
              "The path in the tree of a boot.cfg (for VMware's mboot.efi). It is rendered for each boot, with the args as kernel options.",
            example: 'boot.cfg',
          }),
        })
        .refine((other) => other.tree?.length || !other.args.some(namesTree), {
          path: ['args'],
          message: 'no {{ tree }} in a variant without a tree',
        })
        .refine(
          (other) => other.bootConfig === undefined || other.tree?.some(({ path }) => path === other.bootConfig),
          {
            path: ['bootConfig'],
            message: 'a path of the tree',
          },
        )
        .refine((other) => other.platform !== 'pcbios', { path: ['platform'], message: 'efi, or no platform' })
        .openapi('EfiVariant'),
      z.strictObject({ kind: z.literal('ipxe'), ...fits, file: fileRef }).openapi('IpxeVariant'),
      sanboot,
      z.strictObject({ kind: z.literal('local'), ...fits }).openapi('LocalVariant'),
    ],
    {
      error: (issue) => (issue.code === 'invalid_union' ? 'linux, wimboot, efi, ipxe, sanboot or local' : undefined),
    },
  )
  .openapi('Variant', { description: 'How the image boots on one kind of machine.' })

// A discriminated union has one member per kind. The stored type has two for sanboot; the refinements above keep them apart.
export const variantSchema = union as unknown as z.ZodType<StoredVariant, StoredVariant>
export type Variant = Given<typeof variantSchema>
export type TreeFile = Given<typeof tree>[number]

function hasDuplicates(names: string[]): boolean {
  return new Set(names).size !== names.length
}
