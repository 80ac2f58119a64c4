// Finds the menu entries that a machine can boot. Pure; called by decision.ts and boot-spec.ts.
import { formatTarget, type Target } from '../model/arch.ts'
import { type Catalog, findCatalogImage } from '../model/catalog.ts'
import type { Reason } from '../model/decision.ts'
import { mayInstall } from '../model/every-boot.ts'
import { findVariant } from '../model/image.ts'
import type { Menu, MenuEntry } from '../model/menu.ts'

/** The entries of a menu that a machine can boot, and why the other entries are hidden. */
export function visibleEntries(
  menu: Pick<Menu, 'entries'> | undefined,
  catalog: Catalog,
  target: Target,
): { entries: MenuEntry[]; hidden: { name: string; why: string }[] } {
  const entries: MenuEntry[] = []
  const hidden: { name: string; why: string }[] = []
  for (const entry of menu?.entries ?? []) {
    const why = whyHidden(entry, catalog, target)
    if (why === undefined) entries.push(entry)
    else hidden.push({ name: entry.name, why })
  }
  return { entries, hidden }
}

/**
 * Why a menu ignores its timeout: it has no default entry, or the entry is hidden from this machine. The third reason: the
 * entry installs, but has no `everyBoot`, or the machine is uncertain.
 */
export function whyNoTimeLimit(
  { defaultEntry }: Pick<Menu, 'defaultEntry'>,
  chosen: MenuEntry | undefined,
  catalog: Catalog,
  answerFile: string | undefined,
  weak: boolean,
): string | undefined {
  if (defaultEntry === null) return 'without a default entry, the menu waits for a person'
  if (chosen === undefined)
    return `the default entry ${defaultEntry} is hidden on this machine, so the menu waits for a person`
  if (chosen.kind !== 'image') return undefined
  const answers = chosen.answerFile ?? answerFile
  const installs = mayInstall(findCatalogImage(catalog, chosen)?.installer, answers, chosen.answerFile !== undefined)
  return installs && (weak || !chosen.everyBoot)
    ? `the default entry ${defaultEntry} installs, so the menu waits for a person`
    : undefined
}

/** The reasons for the entries that a menu does not show. */
export function menuReasons(menu: string, hidden: { name: string; why: string }[]): Reason[] {
  return hidden.map(({ name, why }) => ({
    candidate: `entry ${name} of menu ${menu}`,
    won: false,
    why: `hidden: ${why}`,
  }))
}

function whyHidden(entry: MenuEntry, catalog: Catalog, target: Target): string | undefined {
  if (entry.archs !== undefined && !entry.archs.includes(target.arch)) return `only for ${entry.archs.join(', ')}`
  if (entry.platforms !== undefined && !entry.platforms.includes(target.platform))
    return `only for ${entry.platforms.join(', ')}`
  if (entry.kind === 'menu') return catalog.menus.has(entry.menu) ? undefined : `there is no menu ${entry.menu}`
  if (entry.kind !== 'image') return undefined
  const image = findCatalogImage(catalog, entry)
  if (image === undefined) {
    const { image: name, version } = entry
    return catalog.images.has(name) ? `image ${name} has no version ${version}` : `there is no image ${name}`
  }
  return findVariant(image.variants, target) === undefined
    ? `image ${entry.image} has no variant for ${formatTarget(target)}`
    : undefined
}
