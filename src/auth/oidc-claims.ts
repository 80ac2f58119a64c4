// What the claims of an OpenID provider say about a person: the name, the groups and the role.
import { parsePersonName } from '../model/access/person-name.ts'
import { type Role, roles } from '../model/access/role.ts'

export type Claims = Record<string, unknown>

/** The value of a claim, also of one inside others: Keycloak has `realm_access.roles`. A claim may have dots in its name. */
export function claimOf(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name]
  return name
    .split('.')
    .reduce<unknown>(
      (inside, key) => (isObject(inside) && Object.hasOwn(inside, key) ? inside[key] : undefined),
      claims,
    )
}

/** The groups in a claim: a list, or one name. */
export function groupsOf(claims: Claims, name: string): string[] {
  const value = claimOf(claims, name)
  return [value].flat().filter((group): group is string => typeof group === 'string')
}

/** The highest role of these groups; undefined if none has a role. */
export function roleOf(groups: string[], byGroup: Record<string, Role>): Role | undefined {
  // Some providers write a group as its path: `/admins`.
  const given = groups.flatMap((group) => [group, group.replace(/^\//, '')])
  const found = given.flatMap((group) => (Object.hasOwn(byGroup, group) ? [byGroup[group]] : []))
  return roles.findLast((role) => found.includes(role))
}

/** The sign-in name: the first claim with a valid one, of the settings' claim, the e-mail address and the subject. */
export function nameOf(claims: Claims, nameClaim: string): string {
  for (const claim of [nameClaim, 'email', 'sub']) {
    const value = claimOf(claims, claim)
    const name = typeof value === 'string' ? parsePersonName(value.slice(0, 256)) : undefined
    if (name !== undefined) return name
  }
  return 'oidc'
}

function isObject(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object'
}
