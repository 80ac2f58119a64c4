// Previews of groups, menus and answer files before they are saved.

import { type Asking, answerSituation } from '../../decide/answer.ts'
import { absentProgramNotices } from '../../decide/boot-program.ts'
import { visibleEntries } from '../../decide/menu-choice.ts'
import { previewAnswerFile } from '../../decide/preview/answer-file.ts'
import { showingMenu, withGroup } from '../../decide/preview/drafts.ts'
import { previewGroup, summaryOf } from '../../decide/preview/group.ts'
import { checkGroup } from '../../inventory/machines/groups.ts'
import { checkMenu, menuNotices } from '../../inventory/machines/menus.ts'
import type { Situation } from '../../model/decision.ts'
import type { Facts } from '../../model/facts.ts'
import type { MachineKey } from '../../model/machine.ts'
import { findDocumentFaults } from '../../render/answers.ts'
import { menuLabel } from '../../render/menu-label.ts'
import { type AdminDeps, endpoint } from '../http/endpoint.ts'
import {
  answerDraft,
  answerPreview,
  draftParams,
  groupDraft,
  groupPreview,
  menuDraft,
  menuPreview,
} from '../schemas/boots/draft.ts'
import { asking, factsOf, factsOfTarget } from './previews.ts'

export const group = endpoint({
  operationId: 'previewGroup',
  action: 'groups.edit',
  summary: 'Preview a change of a group: the machines that match, and what they would boot',
  description:
    'Nothing is saved. The first 20,000 machines are compared with the selector. For the first 1000 that match before or after the change, the boot is decided both ways. A group that could not be saved is refused with the same faults.',
  params: draftParams,
  body: groupDraft,
  returns: groupPreview,
  statuses: { 200: 'The effect of the change' },
  answer: async (deps, { params: { name }, body }) => {
    const { group, machine, ...query } = body
    const { priority, selector, assignment } = group ?? { assignment: {} }
    const draft = group === null ? undefined : { priority: priority ?? 0, selector: selector ?? [], assignment }
    if (draft !== undefined) await checkGroup(deps.db, draft)
    const preview = await previewGroup(deps, name, draft)
    const notices = absentProgramNotices(draft?.assignment, deps.nbps)
    if (machine === undefined) return { status: 200, body: { ...preview, notices } }
    const situation = await situationOf(deps, machine, query)
    const changed = { ...situation, catalog: withGroup(situation.catalog, name, draft) }
    const both = {
      before: await bootPreview(deps, situation, asking(deps, query)),
      after: await bootPreview(deps, changed, asking(deps, query)),
    }
    return { status: 200, body: { ...preview, machine: both, notices } }
  },
})

export const menu = endpoint({
  operationId: 'previewMenu',
  action: 'menus.edit',
  summary: 'Preview a menu as a machine would show it',
  description:
    'Nothing is saved. Without a machine, the menu is rendered for an unknown machine of this architecture and platform. A menu that could not be saved is refused with the same faults.',
  params: draftParams,
  body: menuDraft,
  returns: menuPreview,
  statuses: { 200: 'The screen and the script' },
  answer: async (deps, { params: { name }, body }) => {
    const { menu, machine, ...query } = body
    const whole = { ...menu, timeoutSeconds: menu.timeoutSeconds ?? null, defaultEntry: menu.defaultEntry ?? null }
    const draft = await checkMenu(deps.db, name, whole)
    const situation = showingMenu(await situationOf(deps, machine, query), name, draft)
    const { decision, script } = await answerSituation(deps, situation, asking(deps, query))
    const { spec, target } = decision
    const { hidden } = visibleEntries(draft, situation.catalog, target)
    const notices = await menuNotices(deps.db, draft)
    if (spec.kind !== 'menu') {
      const refusal = spec.kind === 'refusal' ? `${spec.reason}; ${spec.nextStep}` : `the machine boots ${spec.kind}`
      return { status: 200, body: { hidden, script, refusal, notices } }
    }
    const { title, note, timeoutSeconds, defaultEntry, entries } = spec
    const screen = {
      title: menuLabel(title),
      ...(note !== undefined && { note: menuLabel(note) }),
      ...(timeoutSeconds !== null && { timeoutSeconds }),
      // iPXE selects the first entry if the menu names none.
      items: entries.map(({ name, text, hotkey }, index) => ({
        ...{ name, text: menuLabel(text), isDefault: defaultEntry === null ? index === 0 : name === defaultEntry },
        ...(hotkey !== undefined && { key: hotkey }),
      })),
    }
    return { status: 200, body: { screen, hidden, script, notices } }
  },
})

export const answers = endpoint({
  operationId: 'previewAnswerFile',
  action: 'answer-files.edit',
  summary: 'Check an answer file, and render it for a machine',
  description:
    'Nothing is saved. Without a machine, only the syntax and the names are checked. With a machine, the documents are rendered as if a deployment with this answer file were armed.',
  params: draftParams,
  body: answerDraft,
  returns: answerPreview,
  statuses: { 200: 'The documents, or their faults' },
  answer: async (deps, { params: { name }, body }) => {
    const { documents, image, machine, ...query } = body
    if (machine === undefined) return { status: 200, body: { items: [], faults: findDocumentFaults(documents) } }
    const facts = await factsOf(deps, machine, query)
    return { status: 200, body: await previewAnswerFile(deps, facts, asking(deps, query), { name, documents, image }) }
  },
})

type Query = Parameters<typeof factsOf>[2]

async function situationOf(deps: AdminDeps, machine: MachineKey | undefined, query: Query): Promise<Situation> {
  const facts: Facts = machine === undefined ? factsOfTarget(query) : await factsOf(deps, machine, query)
  return deps.inventory.findSituation(facts)
}

async function bootPreview(deps: AdminDeps, situation: Situation, at: Asking) {
  const { script, decision } = await answerSituation(deps, situation, at)
  return { ...summaryOf(situation, deps.nbps, decision), script }
}
