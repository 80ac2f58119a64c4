// Variants, made from options and formatted as text.
import type { Image } from '../../api/schemas/images/image.ts'
import type { Chap, FileRef, TreeFile, Variant } from '../../api/schemas/images/variant.ts'
import type { Arch, Platform } from '../../model/arch.ts'
import type { Place } from './source.ts'

/** The next command for an image. An installer is armed as a deployment; otherwise it would install at every boot. */
export function nextCommand({ name, installer }: Image): string {
  return installer
    ? `install it once: bootwright deployment arm MAC --image ${name} --answer-file NAME\n`
    : `boot it: bootwright machine set MAC --image ${name}\n`
}

/** A file of an installer's tree, and its place. */
export type TreePlace = { treePath: string; place: Place }

/** The options of `image add` for a variant, with each folder of a tree replaced by its files. */
export type VariantOptions = {
  kernel?: Place
  initrd?: Place[]
  arg?: string[]
  tree?: TreePlace[]
  wimboot?: Place
  file?: Place[]
  efi?: Place
  bootConfig?: string
  ipxe?: Place
  iso?: Place
  san?: string
  initiator?: string
  chapUser?: string
  chapSecret?: string
  chapReverseUser?: string
  chapReverseSecret?: string
  local?: true
  arch: Arch
  platform?: Platform
}

const kinds = {
  linux: 'Linux kernel',
  wimboot: 'Windows PE',
  efi: 'EFI program',
  ipxe: 'iPXE script',
  sanboot: 'disk over the network',
  local: 'local disk',
}

/** The variant that the options describe; `store` uploads each of its files, one after the other. */
export async function variantWith(
  options: VariantOptions,
  store: (place: Place, role: string) => Promise<FileRef>,
): Promise<Variant> {
  const { kernel, wimboot, efi, ipxe, iso, san, arg: args = [], arch, platform } = options
  const fits = { arch, ...(platform !== undefined && { platform }) }
  const storeAll = async (places: Place[], role: string) => {
    const stored: FileRef[] = []
    for (const place of places) stored.push(await store(place, role))
    return stored
  }
  const storeTree = async () => {
    const files = options.tree ?? []
    const hashes = (
      await storeAll(
        files.map(({ place }) => place),
        'tree',
      )
    ).map(({ sha256 }) => sha256)
    return files.map(({ treePath }, index) => ({ path: treePath, sha256: hashes[index] as string }))
  }
  if (kernel !== undefined) {
    const stored = await store(kernel, 'kernel')
    const initrds = await storeAll(options.initrd ?? [], 'initrd')
    const tree = await storeTree()
    return { ...fits, kind: 'linux', kernel: stored, initrds, args, ...(tree.length > 0 && { tree }) }
  }
  if (wimboot !== undefined) {
    const program = await store(wimboot, 'wimboot')
    return { ...fits, kind: 'wimboot', wimboot: program, files: await storeAll(options.file ?? [], 'file'), args }
  }
  if (efi !== undefined) {
    const file = await store(efi, 'efi')
    const tree = await storeTree()
    const { bootConfig } = options
    const further = { ...(tree.length > 0 && { tree }), ...(bootConfig !== undefined && { bootConfig }) }
    return { ...fits, kind: 'efi', file, args, ...further }
  }
  if (ipxe !== undefined) return { ...fits, kind: 'ipxe', file: await store(ipxe, 'ipxe') }
  if (iso !== undefined) return { ...fits, kind: 'sanboot', file: await store(iso, 'iso') }
  if (san !== undefined) return { ...fits, kind: 'sanboot', target: san, ...sanOptions(options) }
  return { ...fits, kind: 'local' }
}

function sanOptions({ initiator, chapUser, chapSecret, chapReverseUser, chapReverseSecret }: VariantOptions) {
  const reverse = pair(chapReverseUser, chapReverseSecret)
  const chap = pair(chapUser, chapSecret)
  return { ...(initiator && { initiator }), ...(chap && { chap: { ...chap, ...(reverse && { reverse }) } }) }
}

function pair(username: string | undefined, password: string | undefined) {
  return username === undefined || password === undefined ? undefined : { username, password }
}

/** Adds a variant, or replaces the variant for the same arch and platform. */
export function withVariant(variants: Variant[], variant: Variant): Variant[] {
  const isSame = (other: Variant) => other.arch === variant.arch && other.platform === variant.platform
  return variants.some(isSame) ? variants.map((other) => (isSame(other) ? variant : other)) : [...variants, variant]
}

/** The files of a variant in download order, each with its role, but without the tree. */
export function filesOf(variant: Variant): { role: string; file: FileRef }[] {
  switch (variant.kind) {
    case 'linux':
      return [{ role: 'kernel', file: variant.kernel }, ...variant.initrds.map((file) => ({ role: 'initrd', file }))]
    case 'wimboot':
      return [{ role: 'wimboot', file: variant.wimboot }, ...variant.files.map((file) => ({ role: 'file', file }))]
    case 'local':
      return []
    default:
      return 'file' in variant && variant.file !== undefined ? [{ role: 'file', file: variant.file }] : []
  }
}

/** The kind of a variant as text. */
export function kindOf({ kind }: Variant): string {
  return kinds[kind]
}

/** The fields that only some kinds of variants have. */
type Details = {
  kind: Variant['kind']
  args?: string[]
  tree?: TreeFile[] | undefined
  target?: string
  initiator?: string | undefined
  chap?: Chap | undefined
}

/** A variant as text: its kind, then one line for each file and option. */
export function describeVariant(variant: Variant): string {
  const { args = [], tree = [], target, initiator, chap }: Details = variant
  const by = ({ username, password }: { username: string; password: string }) =>
    `as ${username} with secret ${password}`
  const lines: [string, string][] = [
    ...filesOf(variant).map(({ role, file }): [string, string] => [role, `${file.sha256}  ${file.name}`]),
    ...(tree.length > 0 ? [['tree', `${tree.length} files, ${paths(tree)}`] as [string, string]] : []),
    ...(target ? [['target', target] as [string, string]] : []),
    ...(initiator ? [['as', initiator] as [string, string]] : []),
    ...(chap ? [['CHAP', by(chap)] as [string, string]] : []),
    ...(chap?.reverse ? [['reverse', by(chap.reverse)] as [string, string]] : []),
    ...(args.length > 0 ? [['args', args.join(' ')] as [string, string]] : []),
  ]
  const width = Math.max(6, ...lines.map(([name]) => name.length))
  return [kindOf(variant), ...lines.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`)].join('\n')
}

/** The first paths of a tree. */
function paths(tree: TreeFile[]): string {
  const first = tree.slice(0, 5).map(({ path }) => path)
  return `${first.join(', ')}${tree.length > first.length ? ', …' : ''}`
}
