// Drafts: a catalog as it would be after a change, for previews that save nothing. Pure.
import { type Assignment, wantedOf } from '../../model/assignment.ts'
import { type Catalog, type CatalogGroup, compareGroups } from '../../model/catalog.ts'
import type { Situation } from '../../model/decision.ts'
import type { Menu } from '../../model/menu.ts'
import { compileSelector } from '../../model/selector.ts'

export type GroupDraft = Pick<CatalogGroup, 'priority' | 'selector' | 'assignment'>
export type MenuDraft = Pick<Menu, 'title' | 'timeoutSeconds' | 'defaultEntry' | 'entries'>

/** The catalog with this group instead of the saved one. Without a draft, it has no such group. */
export function withGroup(catalog: Catalog, name: string, draft: GroupDraft | undefined): Catalog {
  const others = catalog.groups.filter((group) => group.name !== name)
  if (draft === undefined) return { ...catalog, groups: others }
  const group = { ...draft, name, refuses: compileSelector(draft.selector) }
  return { ...catalog, groups: [...others, group].sort(compareGroups) }
}

/** The situation with this menu instead of the saved one, in which the machine shows it, whatever else is assigned. */
export function showingMenu(situation: Situation, name: string, draft: MenuDraft): Situation {
  const { catalog, identity } = situation
  return {
    ...situation,
    deployment: undefined,
    identity:
      'machine' in identity
        ? { ...identity, machine: { ...identity.machine, ...undecided(identity.machine) } }
        : identity,
    catalog: {
      ...catalog,
      policy: { kind: 'menu', menu: name },
      menus: new Map([...catalog.menus, [name, { ...draft, name }]]),
      groups: catalog.groups.map((group) => ({ ...group, ...undecided(group) })),
    },
  }
}

/** The situation with these documents instead of the saved ones. */
export function withDocuments(
  situation: Situation,
  name: string,
  documents: { name: string; mediaType: string; text: string }[],
): Situation {
  const { catalog } = situation
  const version = (catalog.answerFiles.get(name)?.version ?? 0) + 1
  return {
    ...situation,
    catalog: { ...catalog, answerFiles: new Map([...catalog.answerFiles, [name, { name, version, documents }]]) },
  }
}

/** The assignment without its choice of what to boot. */
function undecided({ assignment = {} }: { assignment?: Assignment }): { assignment: Assignment } {
  if (wantedOf(assignment) === undefined) return { assignment }
  const { image: _, menu: __, local: ___, everyBoot: ____, ...others } = assignment
  return { assignment: others }
}
