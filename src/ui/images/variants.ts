// The variants of a version as a page shows them: their files by role, with size and state.
import type { Variant } from '../../api/schemas/images/variant.ts'
import type { ImageVersionFileList } from '../../api/schemas/images/version.ts'

export type FileRow = {
  role: string
  name: string
  sha256: string
  sizeBytes: number | undefined
  damage: string | undefined
  checkedAt: string | undefined
}

/** The limit of tree files in one page. */
const maxTreeRows = 200

type Records = Map<string, ImageVersionFileList['items'][number]>

/** Describes variants. `files`: the records of their files. */
export function describeVariants(variants: Variant[], { items }: ImageVersionFileList) {
  const records: Records = new Map(items.map((file) => [file.sha256, file]))
  return variants.map((variant) => {
    const tree = 'tree' in variant ? (variant.tree ?? []) : []
    const treeRows = tree.map(({ path, sha256 }) => rowOf(records, 'tree', { sha256, name: path }))
    return {
      arch: variant.arch,
      platform: variant.platform ?? 'any firmware',
      kind: variant.kind,
      files: rolesOf(variant).map(([role, file]) => rowOf(records, role, file)),
      args: 'args' in variant ? variant.args : [],
      facts: factsOf(variant),
      tree: {
        count: tree.length,
        sizeBytes: treeRows.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0), 0),
        rows: treeRows.slice(0, maxTreeRows),
        damaged: treeRows.filter(({ damage }) => damage !== undefined),
      },
    }
  })
}

type Ref = { sha256: string; name: string }

/** The files of a variant outside its tree, each with its role. */
function rolesOf(variant: Variant): [role: string, Ref][] {
  if (variant.kind === 'linux')
    return [['kernel', variant.kernel], ...variant.initrds.map((file): [string, Ref] => ['initrd', file])]
  if (variant.kind === 'wimboot')
    return [['wimboot', variant.wimboot], ...variant.files.map((file): [string, Ref] => ['file', file])]
  return 'file' in variant ? [[roles[variant.kind], variant.file]] : []
}

const roles = { efi: 'EFI program', ipxe: 'iPXE script', sanboot: 'disk image' }

function rowOf(records: Records, role: string, { sha256, name }: Ref): FileRow {
  const record = records.get(sha256)
  return {
    ...{ role, name, sha256 },
    ...{ sizeBytes: record?.sizeBytes, damage: record?.damage, checkedAt: record?.checkedAt },
  }
}

/** What a variant says besides its files and arguments. Passwords are names of secrets. */
function factsOf(variant: Variant): [name: string, value: string][] {
  if (variant.kind === 'efi' && variant.bootConfig !== undefined) return [['boot.cfg', variant.bootConfig]]
  if (variant.kind !== 'sanboot' || !('target' in variant)) return []
  return [
    ['target', variant.target],
    ...(variant.initiator === undefined ? [] : [['initiator', variant.initiator] as [string, string]]),
    ...(variant.chap === undefined ? [] : [['CHAP user', variant.chap.username] as [string, string]]),
  ]
}
