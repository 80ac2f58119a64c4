import { describe, expect, test } from 'vitest'
import { claimOf, groupsOf, nameOf, roleOf } from '../../src/auth/oidc-claims.ts'

describe('the claims of a provider', () => {
  test('are found by name, also inside other claims', () => {
    const claims = { 'https://example.org/groups': ['a'], realm_access: { roles: ['b'] }, groups: 'c' }
    expect(groupsOf(claims, 'https://example.org/groups')).toEqual(['a'])
    expect(groupsOf(claims, 'realm_access.roles')).toEqual(['b'])
    expect(groupsOf(claims, 'groups')).toEqual(['c'])
    expect(groupsOf(claims, 'constructor.name')).toEqual([])
    expect(claimOf(claims, 'groups.length')).toBeUndefined()
    expect(groupsOf({ groups: [1, null, 'x'] }, 'groups')).toEqual(['x'])
  })

  test('give the highest role of the groups, and none for other groups', () => {
    const roles = { admins: 'admin', ops: 'operator', all: 'viewer' } as const
    expect(roleOf(['all', 'ops'], roles)).toBe('operator')
    expect(roleOf(['/admins'], roles)).toBe('admin')
    expect(roleOf(['Admins', 'toString', '__proto__'], roles)).toBeUndefined()
  })

  test('give the first valid name', () => {
    expect(nameOf({ preferred_username: 'Anna', sub: '1' }, 'preferred_username')).toBe('anna')
    expect(nameOf({ preferred_username: 'a\nb', email: 'A@example.org', sub: '1' }, 'preferred_username')).toBe(
      'a@example.org',
    )
    expect(nameOf({ preferred_username: 7, sub: 'sub-1' }, 'preferred_username')).toBe('sub-1')
    expect(nameOf({ sub: 'x'.repeat(255) }, 'preferred_username')).toBe('oidc')
  })
})
