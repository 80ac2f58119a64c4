// The rights of roles: one table of roles and actions. The API and the page ask it.
import type { Role } from '../model/access/role.ts'

/** Each action, with the lowest role that may do it. A higher role may do it too. */
const lowestRole = {
  'inventory.read': 'viewer',
  'boots.read': 'viewer',
  'changes.read': 'viewer',
  'system.read': 'viewer',
  /** One's own password and sessions. */
  'own.edit': 'viewer',

  'machines.edit': 'operator',
  'groups.edit': 'operator',
  'menus.edit': 'operator',
  /** A rendered answer file may contain what its author may see, so reading it needs this right too. */
  'answer-files.edit': 'operator',
  'images.edit': 'operator',
  'files.upload': 'operator',
  'deployments.edit': 'operator',
  'secrets.edit': 'operator',
  /** Switch machines on and off, as an admin set it up. */
  'power.use': 'operator',
  'doctor.run': 'operator',
  'foreign-servers.edit': 'operator',

  'dhcp.read': 'operator',
  'images.delete': 'admin',
  /** A recipe says what the next import of its name downloads, and whose signatures are valid. */
  'recipes.edit': 'admin',
  'files.delete': 'admin',
  'policy.edit': 'admin',
  /** A folder can set the policy and delete images. */
  'folder.apply': 'admin',
  'webhooks.edit': 'admin',
  /** The server connects to the URL of a BMC, and sends it a password. */
  'power.edit': 'admin',
  'access.edit': 'admin',
  'settings.read': 'admin',
  'settings.edit': 'admin',
} as const satisfies Record<string, Role>

export type Action = keyof typeof lowestRole

export const actions = Object.keys(lowestRole) as [Action, ...Action[]]

const ranks: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 }

/** True if the role may do the action. */
export function may(role: Role, action: Action): boolean {
  return ranks[role] >= ranks[lowestRole[action]]
}

/** The lowest role that may do the action, for refusals. */
export function roleFor(action: Action): Role {
  return lowestRole[action]
}
