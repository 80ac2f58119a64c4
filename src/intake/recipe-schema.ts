// The schema of a recipe's YAML file.
import { z } from 'zod'
import { archs, platforms } from '../model/arch.ts'

const noteText = z.string().min(1).max(500)

/** A URL that may contain `{{mirror}}`, `{{version}}` and `{{arch}}`. */
const url = z
  .string()
  .max(2000)
  .refine((text) => isUrl(text.replace(/^\{\{mirror\}\}/, 'http://mirror')), 'an http or https URL')

const pattern = z.string().max(500).refine(hasGroup, 'a regular expression with one group')

const fileName = z.string().regex(/^[A-Za-z0-9{][A-Za-z0-9._{}-]{0,127}$/, 'a file name: letters, digits and . _ -')
const keyName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'the name of a key: a-z, 0-9 and . _ -, without .asc')
const armoredKeys = z
  .string()
  .max(64 * 1024)
  .regex(/^-----BEGIN PGP PUBLIC KEY BLOCK-----\r?$/m, 'an armored OpenPGP key: -----BEGIN PGP PUBLIC KEY BLOCK-----')
const hex = (digits: number) => z.string().regex(new RegExp(`^[0-9a-f]{${digits}}$`), `${digits} hexadecimal digits`)

/** A list of checksums. Another list may contain its own checksum. */
const sums: z.ZodType<SumsInput> = z
  .strictObject({
    url,
    name: z.string().min(1).max(500).optional(),
    pattern: pattern.optional(),
    signature: z.union([z.literal('inline'), url], 'inline, or an http or https URL').optional(),
    key: keyName.optional(),
    get sums() {
      return sums.optional()
    },
  })
  .refine(({ signature, key }) => (signature === undefined) === (key === undefined), {
    path: ['key'],
    message: 'a key if there is a signature, and no key otherwise',
  })

type SumsInput = {
  url: string
  name?: string | undefined
  pattern?: string | undefined
  signature?: string | undefined
  key?: string | undefined
  sums?: SumsInput | undefined
}

const file = {
  url,
  name: fileName.optional(),
  sha256: hex(64).optional(),
  sha512: hex(128).optional(),
  sums: sums.optional(),
}
const oneFile = z.strictObject(file)

const treePath = z
  .string()
  .max(500)
  .refine(
    (path) => path.split('/').every((part) => !['', '.', '..'].includes(part)),
    'a path without a slash at its beginning',
  )

const args = z.array(z.string().min(1).max(1000)).max(64, 'at most 64 arguments').default([])
const fits = { arch: z.enum(archs).optional(), platform: z.enum(platforms).optional() }

const variant = z.discriminatedUnion(
  'kind',
  [
    z.strictObject({
      kind: z.literal('linux'),
      ...fits,
      kernel: oneFile,
      initrds: z.array(oneFile).max(16, 'at most 16 files').default([]),
      tree: z
        .array(z.strictObject({ ...file, path: treePath }))
        .max(1000, 'at most 1000 files')
        .default([]),
      args,
    }),
    z.strictObject({ kind: z.literal('efi'), ...fits, file: oneFile, args }),
    z.strictObject({ kind: z.literal('ipxe'), ...fits, file: oneFile }),
    z.strictObject({ kind: z.literal('sanboot'), ...fits, file: oneFile }),
    z.strictObject({ kind: z.literal('archive'), ...fits, archive: oneFile, args }),
  ],
  { error: (issue) => (issue.code === 'invalid_union' ? 'linux, efi, ipxe, sanboot or archive' : undefined) },
)

/** A whole recipe. */
export const recipeSchema = z
  .strictObject({
    title: z.string().trim().min(1).max(128),
    family: z.string().regex(/^[a-z0-9][a-z0-9-]{0,30}$/, 'a word: a-z, 0-9 and -'),
    homepage: url.optional(),
    endOfLife: z.iso.date('a day, 2028-06-30').optional(),
    noEndOfLife: noteText.optional(),
    installer: z.boolean().optional(),
    answerFile: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,30}$/, 'a word: preseed, kickstart, ignition, …')
      .optional(),
    minimumMemoryMb: z.int().min(1).max(10_000_000).optional(),
    mirror: z
      .strictObject({ name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,30}$/, 'a word: a-z, 0-9 and -'), url })
      .optional(),
    version: z.strictObject({ url, pattern }).optional(),
    notes: z.array(noteText).max(20).default([]),
    /** The values of {{arch}}, by architecture. A variant without an arch is created for each of them. */
    archs: z.partialRecord(z.enum(archs), z.string().regex(/^[A-Za-z0-9._-]{1,32}$/, 'a word')).default({}),
    /** Keys of this recipe, for a recipe without a folder beside it. */
    keys: z.record(keyName, armoredKeys).default({}),
    variants: z.array(variant).min(1, 'at least one variant').max(16, 'at most 16 variants'),
  })
  .superRefine((recipe, context) => {
    const text = JSON.stringify(recipe)
    const wrong = [...text.matchAll(/\{\{(\w+)\}\}/g)]
      .map(([, name]) => name)
      .filter((name) => !placeholders.includes(name ?? ''))
    const missing = (['mirror', 'version'] as const).filter(
      (name) => text.includes(`{{${name}}}`) && recipe[name] === undefined,
    )
    for (const name of wrong)
      context.addIssue({
        code: 'custom',
        path: [],
        message: `{{mirror}}, {{version}} or {{arch}}, and not {{${name}}}`,
      })
    for (const name of missing)
      context.addIssue({ code: 'custom', path: [name], message: `a ${name}, because the recipe uses {{${name}}}` })
    for (const [index, { arch }] of recipe.variants.entries())
      if (arch === undefined && Object.keys(recipe.archs).length === 0)
        context.addIssue({
          code: 'custom',
          path: ['variants', index, 'arch'],
          message: `${archs.join(', ')}, or archs above`,
        })
  })

const placeholders = ['mirror', 'version', 'arch']

function isUrl(text: string): boolean {
  const filled = text.replaceAll(/\{\{\w+\}\}/g, '1')
  return /^https?:\/\/[^\s/]/.test(filled) && URL.canParse(filled)
}

function hasGroup(text: string): boolean {
  try {
    // The empty alternative always matches, and the match has all groups of the pattern.
    return (new RegExp(`${text}|`).exec('')?.length ?? 0) === 2
  } catch {
    return false
  }
}
