// The types of changes.

import { deploymentStates } from '../../model/deployment.ts'

/** Everything that is recorded as a change, by noun: the audit log, the change feed and webhooks name changes so. */
export const changesByNoun = {
  machine: ['discovered', 'created', 'changed', 'deleted', 'merged', 'forgotten', 'archived', 'restored', 'synced'],
  group: ['created', 'changed', 'deleted'],
  menu: ['created', 'changed', 'deleted'],
  'answer-file': ['created', 'changed', 'deleted'],
  image: ['created', 'changed', 'deleted', 'version-added', 'version-deleted'],
  recipe: ['created', 'changed', 'deleted'],
  import: ['created', 'done', 'failed', 'cancelled'],
  file: ['damaged', 'mended', 'deleted'],
  deployment: [...deploymentStates, 'report-ignored'],
  rollout: [
    'created',
    'wave-begun',
    'approved',
    'paused',
    'resumed',
    'stopped',
    'retried',
    'finished',
    'cancelled',
    'rolled-back',
  ],
  boot: ['booted', 'installed', 'failed', 'handed-over', 'stalled', 'other-address'],
  'foreign-server': ['seen', 'acknowledged', 'forgotten'],
  policy: ['changed'],
  power: ['set', 'removed', 'requested', 'done', 'failed', 'cancelled'],
  'proxy-dhcp': ['changed'],
  secret: ['changed', 'deleted'],
  'secret-key': ['forgotten'],
  token: ['created', 'revoked'],
  person: ['created', 'changed', 'deleted', 'password-set', 'reset'],
  session: ['created', 'revoked'],
  webhook: ['created', 'changed', 'deleted'],
} as const

type ByNoun = typeof changesByNoun

/** The nouns of changes. */
export type ChangeNoun = keyof ByNoun

/** `machine.changed`, `deployment.failed`, … */
export type ChangeType = { [Noun in ChangeNoun]: `${Noun}.${ByNoun[Noun][number]}` }[ChangeNoun]

/** A noun of which things are made, changed and deleted. */
export type EditedNoun = {
  [Noun in ChangeNoun]: 'created' | 'changed' | 'deleted' extends ByNoun[Noun][number] ? Noun : never
}[ChangeNoun]

export const changeNouns = Object.keys(changesByNoun) as [ChangeNoun, ...ChangeNoun[]]

export const changeTypes = changeNouns.flatMap((noun) => changesByNoun[noun].map((what) => `${noun}.${what}`)) as [
  ChangeType,
  ...ChangeType[],
]

/** The type of a change: created, deleted or changed, by the values before and after. */
export function changeType<Noun extends EditedNoun>(noun: Noun, before: unknown, after: unknown) {
  return `${noun}.${before === undefined ? 'created' : after === undefined ? 'deleted' : 'changed'}` as const
}
