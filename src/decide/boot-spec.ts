// Turns the choice into a boot spec: the variant, its arguments, its answer file. Pure; called by decision.ts.
import { formatTarget } from '../model/arch.ts'
import type { LocalBoot, Merged } from '../model/assignment.ts'
import { type Catalog, type CatalogImage, type DamagedFile, findCatalogImage } from '../model/catalog.ts'
import { type BootSpec, type Chosen, type Decision, type Reason, refusal, type SpecArgs } from '../model/decision.ts'
import type { KnownTarget } from '../model/facts.ts'
import { findVariant, formatImageRef, treeDigest, type Variant } from '../model/image.ts'
import { menuReasons, visibleEntries, whyNoTimeLimit } from './menu-choice.ts'

/** The part of a decision that follows from the choice. `variant` is the booted variant of the image. */
export type Specified = Pick<Decision, 'spec' | 'image' | 'answerFile'> & { variant?: Variant }

/** The boot spec of a choice on a machine of this kind. The reasons get why. */
export function specFor(
  chosen: Chosen,
  merged: Merged,
  catalog: Catalog,
  target: KnownTarget,
  reasons: Reason[],
  notices: string[] = [],
  weak = false,
): Specified {
  if (chosen.kind === 'image') return imageSpec(chosen, merged, catalog, target, reasons)
  if (chosen.kind === 'menu') {
    const spec = menuSpec(chosen.name, merged, catalog, target, reasons, weak)
    if ('note' in spec && spec.note !== undefined) notices.push(`menu ${chosen.name}: ${spec.note}`)
    return { spec }
  }
  if (chosen.kind === 'local') return { spec: localSpec(merged.localBoot, target, reasons) }
  return { spec: chosen }
}

/** `auto`: a BIOS rarely continues to its disk when iPXE exits; UEFI does, when a boot option fails. */
function localSpec(localBoot: LocalBoot, { platform }: KnownTarget, reasons: Reason[]): BootSpec {
  const chosen = localBoot[platform] ?? 'auto'
  const method = chosen === 'auto' ? (platform === 'pcbios' ? ('sanboot' as const) : ('exit-1' as const)) : chosen
  const how = typeof method === 'string' ? method : `the file ${method.file}`
  const why = chosen === 'auto' ? `the default on ${platform}` : `assigned for ${platform}`
  reasons.push({ candidate: `local boot by ${how}`, won: true, why })
  return { kind: 'local', method }
}

function menuSpec(
  name: string,
  { answerFile }: Merged,
  catalog: Catalog,
  target: KnownTarget,
  reasons: Reason[],
  weak: boolean,
): BootSpec {
  const menu = catalog.menus.get(name)
  if (menu === undefined) {
    reasons.push({ candidate: `menu ${name}`, won: false, why: 'the menu does not exist' })
    return refusal(
      'BW-MENU',
      `there is no menu ${name}`,
      `to add it: bootwright menu set ${name} FILE; to see what refers to it: bootwright explain MAC`,
    )
  }
  const { entries, hidden } = visibleEntries(menu, catalog, target)
  reasons.push(...menuReasons(menu.name, hidden))
  if (entries.length === 0)
    return refusal(
      'BW-MENU',
      `menu ${name} has no entry for ${formatTarget(target)}`,
      `to add one: bootwright menu set ${name} FILE`,
    )
  const { title, timeoutSeconds, defaultEntry } = menu
  const chosen = entries.find((entry) => entry.name === defaultEntry)
  const note = timeoutSeconds === null ? undefined : whyNoTimeLimit(menu, chosen, catalog, answerFile, weak)
  return {
    kind: 'menu',
    menu: name,
    title,
    // With a timeout and no default entry, iPXE would start the first entry.
    timeoutSeconds: note === undefined ? timeoutSeconds : null,
    defaultEntry: chosen === undefined ? null : defaultEntry,
    ...(note !== undefined && { note }),
    entries: entries.map(({ name, text, hotkey }) => ({ name, text, ...(hotkey !== undefined && { hotkey }) })),
  }
}

function imageSpec(
  { name, version }: { name: string; version?: number | undefined },
  merged: Merged,
  catalog: Catalog,
  target: KnownTarget,
  reasons: Reason[],
): Specified {
  const { answerFile: answers, localBoot } = merged
  const image = findCatalogImage(catalog, { image: name, version })
  if (image === undefined && catalog.images.has(name)) {
    const why = `image ${name} has no version ${version}`
    reasons.push({ candidate: `image ${formatImageRef({ image: name, version })}`, won: false, why })
    const nextStep = `to list the versions: bootwright image versions ${name}; to see what pins the version: bootwright explain MAC`
    return { spec: refusal('BW-NO-VERSION', why, nextStep) }
  }
  if (image === undefined) {
    reasons.push({ candidate: `image ${name}`, won: false, why: 'the image does not exist' })
    const nextStep = `to add it: bootwright image add ${name}; to see what refers to it: bootwright explain MAC`
    return { spec: refusal('BW-NO-IMAGE', `there is no image ${name}`, nextStep) }
  }
  const named = { image: { name: image.name, version: image.version } }
  const variant = findVariant(image.variants, target)
  if (variant === undefined) {
    const missing = formatTarget(target)
    const existing =
      image.variants.map(({ arch, platform }) => `${arch} ${platform ?? 'any platform'}`).join(', ') || 'none'
    reasons.push({
      candidate: `image ${name}`,
      won: false,
      why: `no variant for ${missing}; existing variants: ${existing}`,
    })
    return {
      ...named,
      spec: refusal(
        'BW-NO-VARIANT',
        `image ${name} has no variant for ${missing}; existing variants: ${existing}`,
        `to add one: bootwright image add ${name} --arch ${target.arch}`,
      ),
    }
  }
  const damaged = catalog.damaged.get(variant)
  if (damaged !== undefined) {
    const { reason, spec } = damagedVariant(image, variant, damaged)
    reasons.push(reason)
    return { ...named, spec }
  }
  const assumed = target.assumed.length > 0 ? `, assuming ${target.assumed.join(' and ')}` : ''
  reasons.push({
    candidate: candidateOf(image, variant),
    won: true,
    why: `matches ${formatTarget(target)}${assumed}`,
  })
  if (variant.kind === 'local') return { ...named, variant, spec: localSpec(localBoot, target, reasons) }
  const answerFile = answers === undefined ? undefined : catalog.answerFiles.get(answers)
  if (answers !== undefined && answerFile === undefined)
    return {
      ...named,
      spec: refusal(
        'BW-NO-ANSWER-FILE',
        `there is no answer file ${answers}`,
        `to add it: bootwright answer-file set ${answers} FILE`,
      ),
    }
  return {
    ...named,
    ...(answerFile && { answerFile: { name: answerFile.name, version: answerFile.version } }),
    variant,
    spec: variantSpec(variant, merged),
  }
}

function variantSpec(variant: Exclude<Variant, { kind: 'local' }>, merged: Merged): BootSpec {
  const { arch: _, platform: __, ...spec } = variant
  if (spec.kind === 'linux') {
    // A tree has up to thousands of files, and the spec is stored with every boot.
    const { tree, ...others } = spec
    return { ...others, ...specArgs(spec.args, merged), ...(tree?.length && { tree: treeDigest(tree) }) }
  }
  if (spec.kind === 'efi') {
    const { tree, bootConfig: path, ...others } = spec
    const treePath = tree?.find(({ sha256 }) => sha256 === spec.file.sha256)?.path
    const config = tree?.find((file) => file.path === path)
    return {
      ...others,
      ...specArgs(spec.args, merged),
      ...(tree?.length && { tree: treeDigest(tree) }),
      ...(treePath !== undefined && { treePath }),
      ...(config && { bootConfig: { sha256: config.sha256, name: config.path } }),
    }
  }
  return 'args' in spec ? { ...spec, ...specArgs(spec.args, merged) } : spec
}

function specArgs(own: string[], { args, withoutArgs }: Merged): SpecArgs {
  const removals = withoutArgs.map(({ pattern, count }) => ({ pattern, count: own.length + count }))
  return { args: [...own, ...args], ...(removals.length > 0 && { withoutArgs: removals }) }
}

function candidateOf({ name, version }: Pick<CatalogImage, 'name' | 'version'>, { arch, platform }: Variant): string {
  return `variant ${arch} ${platform ?? 'any platform'} of ${name} version ${version}`
}

/** The refusal of a variant with a damaged file, and the reason. Without it an installer would fail half-way. */
export function damagedVariant(
  image: Pick<CatalogImage, 'name' | 'version'>,
  variant: Variant,
  { name: fileName, kind, damage }: DamagedFile,
): { reason: Reason; spec: BootSpec } {
  const { name, version } = image
  return {
    reason: {
      candidate: candidateOf(image, variant),
      won: false,
      why: `its file ${fileName} is damaged: ${damage}`,
    },
    spec: refusal(
      kind === 'missing' ? 'BW-FILE-MISSING' : 'BW-FILE-DAMAGED',
      `file ${fileName} of image ${name} version ${version} is damaged: ${damage}`,
      `to upload it again: bootwright image add ${name}; to go back: bootwright image rollback ${name}`,
    ),
  }
}
