// Runs the plan of an import: a recipe, a URL or an uploaded file.
import { fileNameOf } from '../bytes/fetch/file-name.ts'
import type { PartialFile } from '../bytes/fetch/partial-file.ts'
import { reuseStored } from '../files/keep.ts'
import { sourceOf } from '../inventory/images/imports.ts'
import { InputError } from '../lib/errors.ts'
import type { Arch } from '../model/arch.ts'
import { archs as allArchs } from '../model/arch.ts'
import type { ImportPlan, Variant } from '../model/image.ts'
import { relativeNames, relativeWarning } from './discs/layouts/ipxe-script.ts'
import { withPath } from './discs/stored-path.ts'
import { type Archive, importArchive, type Unpacked } from './import-archive.ts'
import { importLinux } from './import-linux.ts'
import { importRecipe } from './import-recipe.ts'
import { fetchUrl } from './import-url.ts'
import type { FetchedFile, Intake, Job, Outcome } from './intake.ts'

/** Fetches and stores the files of a plan. @throws Error with a message for the operator */
export async function importPlan(intake: Intake, job: Job, plan: ImportPlan): Promise<Outcome> {
  if (plan.kind === 'recipe') return importRecipe(intake, job, plan)
  if (plan.kind === 'linux') return importLinux(intake, job, plan)
  return plan.kind === 'url' ? importFromUrl(intake, job, plan) : importStored(intake, job, plan)
}

/** File names of EFI programs and iPXE scripts. Any other file is opened as an ISO or archive. */
const programs = { efi: /\.efi$/i, ipxe: /\.ipxe$/i }
const noImages = /\.(img|qcow2|vmdk|vdi|vhdx?|raw|deb|rpm|torrent|sig|asc|sha256|sha512)(\.(gz|xz|bz2|zst))?$/i

/** @throws InputError if the file name of a URL cannot be an image */
export function checkImportUrl(text: string): void {
  const expected =
    'the URL of an ISO, of an archive (zip, tar.gz) of netboot files, of an EFI program (.efi) or of an iPXE script (.ipxe)'
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || !/^https?:$/.test(url.protocol) || noImages.test(url.pathname))
    throw new InputError({ field: 'url', value: text, expected })
}

type UrlPlan = ImportPlan & { kind: 'url' }
type FilePlan = ImportPlan & { kind: 'file' }

async function importFromUrl(intake: Intake, job: Job, plan: UrlPlan): Promise<Outcome> {
  checkImportUrl(plan.url)
  const { sha256, sha512 } = plan
  const { pathname } = new URL(plan.url)
  const got = await fetchUrl(intake, job, plan.url, fileNameOf(pathname), { sha256, sha512 })
  const { partial } = got
  const isProgram = programs.efi.test(pathname) || programs.ipxe.test(pathname)
  if (isProgram) return programOutcome(plan, got, pathname, await headOf(intake, got, partial))
  return withPath(intake, job, got, partial, async (path) => {
    const archive = { path, name: got.name, whole: got }
    return archiveOutcome(plan, await importArchive(intake, job, archive, wishesOf(plan)))
  })
}

async function importStored(intake: Intake, job: Job, plan: FilePlan): Promise<Outcome> {
  const file = await reuseStored(intake, plan.sha256)
  if (file === undefined)
    throw new InputError({ field: 'file', value: plan.sha256, expected: 'the sha256 of an uploaded file' })
  const whole: FetchedFile = { ...file, store: async () => {} }
  const isProgram = programs.efi.test(plan.name) || programs.ipxe.test(plan.name)
  if (isProgram) return programOutcome(plan, whole, plan.name, await headOf(intake, whole, undefined))
  return withPath(intake, job, whole, undefined, async (path) => {
    const archive: Archive = { path, name: plan.name, whole }
    return archiveOutcome(plan, await importArchive(intake, job, archive, wishesOf(plan)))
  })
}

/** The outcome of an EFI program or an iPXE script. It is a whole image. */
function programOutcome(plan: UrlPlan | FilePlan, got: FetchedFile, path: string, head: Buffer): Outcome {
  const isScript = programs.ipxe.test(path)
  const variants = isScript ? ipxeVariants(plan, got, head) : efiVariants(plan, got, head)
  const name = suggestedName(got.name)
  const relative = isScript ? relativeNames(head.toString('latin1')) : []
  const notes = relative.length > 0 ? [relativeWarning(relative)] : []
  return { name, title: plan.title ?? name, source: sourceOf(plan), notes, variants, files: [got] }
}

/** The field and the value of a fault of the imported bytes. */
function placeOf(plan: UrlPlan | FilePlan) {
  return { field: plan.kind, value: plan.kind === 'url' ? plan.url : plan.name }
}

function wishesOf(plan: UrlPlan | FilePlan) {
  return { archs: plan.archs, keepIso: plan.keepIso, wimboot: plan.wimboot }
}

function archiveOutcome(plan: ImportPlan, { layout, variants, files }: Unpacked): Outcome {
  const { suggestedName: name, title, notes, installer } = layout
  return { name, title: plan.title ?? title, source: sourceOf(plan), installer, notes, variants, files }
}

async function headOf({ store }: Intake, file: FetchedFile, partial: PartialFile | undefined): Promise<Buffer> {
  const head = Buffer.alloc(65_536)
  if (partial !== undefined) return head.subarray(0, await partial.read(head, 0))
  const open = await store.open(file.sha256)
  return head.subarray(0, (await open?.read(head, 0).finally(() => open.close())) ?? 0)
}

/** The machine types of PE programs (Microsoft PE format, 3.3.1). */
const peMachines = new Map<number, Arch>([
  [0x014c, 'i386'],
  [0x8664, 'x86_64'],
  [0xaa64, 'arm64'],
])

function efiVariants(plan: UrlPlan | FilePlan, { sha256, name }: FetchedFile, head: Buffer): Variant[] {
  const at = head.length >= 64 && head.toString('latin1', 0, 2) === 'MZ' ? head.readUInt32LE(60) : head.length
  const isPe = at + 6 <= head.length && head.toString('latin1', at, at + 4) === 'PE\0\0'
  const arch = isPe ? peMachines.get(head.readUInt16LE(at + 4)) : undefined
  if (arch === undefined)
    throw new InputError({ ...placeOf(plan), expected: 'an EFI program for x86_64, i386 or arm64' })
  const { archs } = plan
  if (archs !== undefined && !archs.includes(arch))
    throw new InputError({ field: 'archs', value: archs.join(', '), expected: `${arch}, which the program is for` })
  return [{ arch, kind: 'efi', file: { sha256, name }, args: [] }]
}

function ipxeVariants(plan: UrlPlan | FilePlan, { sha256, name }: FetchedFile, head: Buffer): Variant[] {
  if (!/^#!(gpxe|ipxe)/.test(head.toString('latin1')))
    throw new InputError({ ...placeOf(plan), expected: 'an iPXE script: its first line is #!ipxe' })
  const { archs = [...allArchs] } = plan
  return archs.map((arch) => ({ arch, kind: 'ipxe', file: { sha256, name } }))
}

function suggestedName(fileName: string): string {
  return fileName
    .toLowerCase()
    .replace(/\.(efi|ipxe)$/, '')
    .slice(0, 63)
}
