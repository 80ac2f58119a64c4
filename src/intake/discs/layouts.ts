// The types of layouts, and the order in which families are tried.
import type { Arch, Platform } from '../../model/arch.ts'
import { findAlpine } from './layouts/alpine.ts'
import { findArchiso } from './layouts/arch.ts'
import { findFedoraCoreos, findFlatcar, findTalos } from './layouts/containers.ts'
import { findDebianDisc, findDebianLive, findDebianNetboot } from './layouts/debian.ts'
import { findHarvester, findPhoton, findStubbornDisc } from './layouts/discs.ts'
import { findEsxi } from './layouts/esxi.ts'
import { findIpxeScript } from './layouts/ipxe-script.ts'
import { findAnaconda, findDracutLive } from './layouts/rhel.ts'
import { type Source, sourceOf } from './layouts/source.ts'
import { findLinuxrc } from './layouts/suse.ts'
import { findBootableDisc, findEfiPrograms, findFreebsd, findMemtest, findWindows } from './layouts/tools.ts'
import { findCasper, findUbuntuNetboot } from './layouts/ubuntu.ts'

/** A file of a layout: its path in the ISO, archive or folder, and its name in the variant. */
export type LayoutFile = { path: string; name: string }

/** A file that an installer fetches: its path in the ISO, archive or folder, and its path below `{{ tree }}`. */
export type LayoutTreeFile = { path: string; treePath: string }

/** A variant (inventory/images.ts) before its files are stored: paths in the place of hashes. */
export type LayoutVariant = { arch: Arch; platform?: Platform } & (
  | {
      kind: 'linux'
      kernel: LayoutFile
      initrds: LayoutFile[]
      args: string[]
      tree: LayoutTreeFile[]
      /** The installer wants the ISO itself, at this path below `{{ tree }}`. Only of an ISO: a folder has none to give. */
      iso?: { treePath: string }
    }
  | { kind: 'efi'; file: LayoutFile; args: string[]; tree?: LayoutTreeFile[]; bootConfig?: string }
  /** `wimboot` is there when a file of that name was found; else the operator supplies it. */
  | { kind: 'wimboot'; files: LayoutFile[]; wimboot?: LayoutFile; args: string[] }
  /** A disk image that was found, or the ISO itself. */
  | { kind: 'sanboot'; file: LayoutFile | 'iso' }
)

/** The system recognised in an ISO, an archive or a folder. */
export type Layout = {
  /** The family of the system: `debian`, `rhel`, … */
  family: string
  title: string
  /** A valid name for the image. */
  suggestedName: string
  /** Booting it may write to the machine's disk; undefined where the layout does not tell. */
  installer?: boolean
  /** Empty if the system does not boot over the network; the notes then give the reason and a way out. */
  variants: LayoutVariant[]
  /** Notes to read before booting the image, in whole sentences. */
  notes: string[]
}

/** The largest text file that is read to know what it is: a kernel's configuration has a quarter of that. */
export const maxTextBytes = 2 ** 20

/** One file of an ISO, an archive or a folder. Paths have no slash at the beginning. */
export type Entry = {
  path: string
  sizeBytes: number
  /** The path of the file itself, where links lead to it. */
  real?: string
  /** The reason why it cannot be read: what it is instead of a file. */
  fault?: string
}

/** The families, those with the most telling paths first. */
const families: ((source: Source) => Promise<Layout | undefined>)[] = [
  findWindows,
  findEsxi,
  findDebianNetboot,
  findDebianLive,
  findDebianDisc,
  findUbuntuNetboot,
  findCasper,
  findFedoraCoreos,
  findAnaconda,
  findDracutLive,
  findLinuxrc,
  findAlpine,
  findArchiso,
  findFlatcar,
  findTalos,
  findMemtest,
  findFreebsd,
  findHarvester,
  findPhoton,
  findIpxeScript,
  findStubbornDisc,
  findEfiPrograms,
  findBootableDisc,
]

/**
 * What the files are, by the paths that the families' installers are known by; undefined when none is.
 * `readText` gives a small text file, or undefined when it is not there.
 */
export async function findLayout(
  entries: Entry[],
  readText: (path: string) => Promise<string | undefined>,
): Promise<Layout | undefined> {
  const source = sourceOf(entries, readText)
  for (const find of families) {
    const layout = await find(source)
    if (layout !== undefined) return layout
  }
  return undefined
}
