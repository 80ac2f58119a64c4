// The options of `image add` for a variant.
import { join } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Arch, archs, platforms } from '../../model/arch.ts'
import { type CliDeps, collect } from '../shell/deps.ts'
import { operatorPath } from '../shell/path.ts'
import { type Place, parsePlace, placeAt } from './source.ts'
import type { TreePlace, VariantOptions } from './variant.ts'
import { printLeftOut, walkFolder } from './walk-folder.ts'

/** A file of a tree, or a folder with the whole tree. */
type TreeOption = TreePlace | { folder: string }

/** The options of `image add`, unparsed. */
export type GivenOptions = Omit<VariantOptions, 'tree' | 'arch'> & { tree?: TreeOption[]; arch?: Arch[] }

/** The repeatable option `--arch`. */
export function archsOption(): Option {
  return new Option('--arch <arch>', 'architecture (repeatable)').argParser(
    (text: string, before: Arch[] | undefined): Arch[] => {
      const arch = archs.find((name) => name === text)
      if (arch === undefined) throw new InvalidArgumentError(`Expected one of ${archs.join(', ')}.`)
      return [...(before ?? []), arch]
    },
  )
}

/** Adds the options for a variant. */
export function addVariantOptions(command: Command): Command {
  return command
    .option('--kernel <path|url>', 'Linux kernel; to verify it, append #sha256=HEX', parsePlace)
    .option('--initrd <path|url>', 'initrd for the kernel (repeatable)', collectPlaces)
    .option('--arg <arg>', 'kernel argument (repeatable)', collect)
    .option(
      '--tree <path=file|folder>',
      'file for the installer, below {{ tree }}, or a folder with all of them (repeatable)',
      collectTree,
    )
    .option('--wimboot <path|url>', 'wimboot, to boot Windows PE, instead of a kernel', parsePlace)
    .option('--file <[name=]path|url>', 'file for wimboot: BCD, boot.sdi, boot.wim (repeatable)', collectNamed)
    .option('--efi <path|url>', 'EFI program to boot, instead of a kernel', parsePlace)
    .option('--boot-config <path>', "path in the tree of the boot.cfg of VMware's mboot.efi, rendered for each boot")
    .option('--ipxe <path|url>', 'iPXE script to run, instead of a kernel', parsePlace)
    .option('--iso <path|url>', 'ISO or disk image to boot over HTTP, instead of a kernel', parsePlace)
    .option('--san <target>', 'disk of a storage network, iscsi:SERVER::::IQN, instead of a kernel')
    .option('--initiator <iqn>', 'IQN of the machine for the target')
    .option('--chap-user <name>', 'user name for the target')
    .option('--chap-secret <secret>', 'name of the secret with the password of that user')
    .option('--chap-reverse-user <name>', 'user name with which the target authenticates itself')
    .option('--chap-reverse-secret <secret>', 'name of the secret with the password of the target')
    .option('--local', 'boot from the local disk, instead of a kernel')
    .addOption(archsOption())
    .addOption(new Option('--platform <platform>', 'firmware platform (default: all)').choices(platforms))
}

const kinds = ['kernel', 'wimboot', 'efi', 'ipxe', 'iso', 'san', 'local'] as const

/** Options that belong to certain kinds. */
const belongs: { [Name in keyof GivenOptions]?: (typeof kinds)[number][] } = {
  initrd: ['kernel'],
  tree: ['kernel', 'efi'],
  bootConfig: ['efi'],
  arg: ['kernel', 'wimboot', 'efi'],
  file: ['wimboot'],
  initiator: ['san'],
  chapUser: ['san'],
  chapSecret: ['san'],
  chapReverseUser: ['san'],
  chapReverseSecret: ['san'],
}

function kindsIn(options: GivenOptions) {
  return kinds.filter((kind) => options[kind] !== undefined)
}

/** True if no option describes a variant; then the image comes from a recipe. */
export function namesNothing(options: GivenOptions): boolean {
  const others = Object.keys(belongs) as (keyof GivenOptions)[]
  return kindsIn(options).length === 0 && [...others, 'platform' as const].every((kind) => options[kind] === undefined)
}

/** The fault in a combination of options. */
export function faultIn(options: GivenOptions): string | undefined {
  const [kind, another] = kindsIn(options)
  if (kind === undefined && options.arg !== undefined)
    return '--arg needs --kernel, --wimboot or --efi; to add arguments to an image from a recipe: machine set MAC --arg ARG'
  if (kind === undefined || another !== undefined) return `expected exactly one of ${listed(kinds)}`
  for (const [name, allowed] of Object.entries(belongs) as [keyof GivenOptions, (typeof kinds)[number][]][]) {
    if (options[name] !== undefined && !allowed.includes(kind)) return `${flag(name)} needs ${listed(allowed)}`
  }
  if ((options.arch ?? []).length > 1) return '--arch can be repeated only for a recipe'
  if (kind === 'wimboot' && options.file === undefined) return '--wimboot needs a --file for each file of Windows PE'
  const { chapUser, chapSecret, chapReverseUser, chapReverseSecret } = options
  if ((chapUser === undefined) !== (chapSecret === undefined)) return '--chap-user and --chap-secret go together'
  if ((chapReverseUser === undefined) !== (chapReverseSecret === undefined))
    return '--chap-reverse-user and --chap-reverse-secret go together'
  if (chapReverseUser !== undefined && chapUser === undefined) return '--chap-reverse-user needs --chap-user'
  return undefined
}

/** The options, with each folder of a tree replaced by its files. */
export async function withTrees(options: GivenOptions, deps: CliDeps): Promise<VariantOptions> {
  const { tree, arch: [arch = 'x86_64'] = [], ...others } = options
  const placed = { ...others, arch }
  if (tree === undefined) return placed
  const files: TreePlace[] = []
  for (const option of tree)
    files.push(...('folder' in option ? await readTree(deps, operatorPath(deps, option.folder)) : [option]))
  return { ...placed, tree: files }
}

async function readTree(deps: CliDeps, folder: string): Promise<TreePlace[]> {
  const { entries, leftOut } = await walkFolder(folder).catch((error: Error) => {
    throw new Error(`${folder}: cannot read the folder: ${error.message}`)
  })
  printLeftOut(deps, folder, leftOut)
  const files = entries.flatMap(({ path, fault }) =>
    fault === undefined ? [{ treePath: path, place: placeAt(join(folder, path)) }] : [],
  )
  if (files.length === 0) throw new Error(`${folder}: expected at least one file`)
  return files
}

function collectPlaces(text: string, before: Place[] | undefined): Place[] {
  return [...(before ?? []), parsePlace(text)]
}

/** Parses `boot.wim`, or `BCD=media/boot/bcd` with another name for the file. */
function collectNamed(text: string, before: Place[] | undefined): Place[] {
  const [, name, where] = /^([A-Za-z0-9][A-Za-z0-9._-]*)=(.+)$/s.exec(text) ?? []
  const place = name === undefined || where === undefined ? parsePlace(text) : { ...parsePlace(where), name }
  return [...(before ?? []), place]
}

function collectTree(text: string, before: TreeOption[] | undefined): TreeOption[] {
  const [, treePath, where] = /^([^=]+)=(.+)$/s.exec(text) ?? []
  if (text === '') throw new InvalidArgumentError('Expected PATH=FILE or a folder.')
  const option =
    treePath === undefined || where === undefined ? { folder: text } : { treePath, place: parsePlace(where) }
  return [...(before ?? []), option]
}

function flag(name: string): string {
  return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}

/** `--kernel, --wimboot or --efi`. */
function listed(names: readonly string[]): string {
  const flags = names.map((name) => `--${name}`)
  return flags.length === 1 ? (flags[0] as string) : `${flags.slice(0, -1).join(', ')} or ${flags.at(-1)}`
}
