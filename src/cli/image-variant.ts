import type { Place } from './source.ts'

export type FileRef = { sha256: string; name: string }

/** A variant as the API takes and gives it; which fields there are depends on the kind. */
export type Variant = {
  arch: string
  platform?: string
  kind: 'linux' | 'efi' | 'ipxe' | 'local'
  kernel?: FileRef
  initrds?: FileRef[]
  file?: FileRef
  args?: string[]
}

/** An image, as the API gives it. */
export type Image = {
  name: string
  title: string
  version: number
  variants: Variant[]
  createdAt: string
  updatedAt: string
}

/** The options of `image add`. */
export type AddOptions = {
  kernel?: Place
  initrd?: Place[]
  arg?: string[]
  efi?: Place
  ipxe?: Place
  local?: true
  arch: string
  platform?: string
  title?: string
}

/** The variant that the options describe; `store` is called for each of its files, one after the other. */
export async function variantWith(
  options: AddOptions,
  store: (place: Place, role: string) => Promise<FileRef>,
): Promise<Variant> {
  const { kernel, initrd = [], arg: args = [], efi, ipxe, arch, platform } = options
  const fits = { arch, ...(platform !== undefined && { platform }) }
  if (kernel !== undefined) {
    const stored = await store(kernel, 'kernel')
    const initrds: FileRef[] = []
    for (const place of initrd) initrds.push(await store(place, 'initrd'))
    return { ...fits, kind: 'linux', kernel: stored, initrds, args }
  }
  if (efi !== undefined) return { ...fits, kind: 'efi', file: await store(efi, 'efi'), args }
  if (ipxe !== undefined) return { ...fits, kind: 'ipxe', file: await store(ipxe, 'ipxe') }
  return { ...fits, kind: 'local' }
}

/** The variants with one more, or with it in the place of the one for the same arch and platform. */
export function withVariant(variants: Variant[], variant: Variant): Variant[] {
  const isTwin = (one: Variant) => one.arch === variant.arch && one.platform === variant.platform
  return variants.some(isTwin) ? variants.map((one) => (isTwin(one) ? variant : one)) : [...variants, variant]
}

/** The files of a variant in the order they are fetched, each with what it is for. */
export function filesOf({ kernel, initrds = [], file }: Variant): { role: string; file: FileRef }[] {
  return [
    ...(kernel ? [{ role: 'kernel', file: kernel }] : []),
    ...initrds.map((one) => ({ role: 'initrd', file: one })),
    ...(file ? [{ role: 'file', file }] : []),
  ]
}

/** The kind of a variant in words. */
export function kindOf({ kind }: Variant): string {
  return { linux: 'Linux kernel', efi: 'EFI program', ipxe: 'iPXE script', local: 'local disk' }[kind]
}
