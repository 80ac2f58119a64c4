import { describe, expect, test } from 'vitest'
import { loadConfig } from '../../src/config/config.ts'

const env = {
  BOOTWRIGHT_ADMIN_URL: 'https://boot.example.org',
  BOOTWRIGHT_OIDC_ISSUER: 'https://id.example.org/realms/lab/',
  BOOTWRIGHT_OIDC_CLIENT_ID: 'bootwright',
  BOOTWRIGHT_OIDC_ROLES: 'admins=admin, cn=ops=operator',
}

describe('the settings of OpenID Connect', () => {
  test('are read, and the issuer stays exactly as it is', () => {
    expect(loadConfig(env).oidc).toEqual({
      issuer: 'https://id.example.org/realms/lab/',
      clientId: 'bootwright',
      clientSecret: undefined,
      roles: { admins: 'admin', 'cn=ops': 'operator' },
      scopes: 'openid profile email groups',
      groupClaim: 'groups',
      nameClaim: 'preferred_username',
      label: 'Sign in with OpenID Connect',
    })
  })

  test.each(['http://127.0.0.1:9000', 'http://localhost:9000', 'http://[::1]:9000'])(
    'accept %s for tests',
    (issuer) => {
      expect(loadConfig({ ...env, BOOTWRIGHT_OIDC_ISSUER: issuer }).oidc.issuer).toBe(issuer)
    },
  )

  test.each([
    ['BOOTWRIGHT_OIDC_ISSUER', 'http://id.example.org'],
    ['BOOTWRIGHT_OIDC_ISSUER', 'http://127.0.0.1.example.org'],
    ['BOOTWRIGHT_OIDC_ISSUER', 'https://user:password@id.example.org'],
    ['BOOTWRIGHT_OIDC_ISSUER', 'id.example.org'],
    ['BOOTWRIGHT_OIDC_ROLES', 'admins'],
    ['BOOTWRIGHT_OIDC_ROLES', 'admins=root'],
    ['BOOTWRIGHT_OIDC_SCOPES', 'profile email'],
  ])('refuse %s=%s', (name, value) => {
    expect(() => loadConfig({ ...env, [name]: value })).toThrow(new RegExp(`^${name}: expected`))
  })

  test.each(['BOOTWRIGHT_ADMIN_URL', 'BOOTWRIGHT_OIDC_CLIENT_ID', 'BOOTWRIGHT_OIDC_ROLES', 'BOOTWRIGHT_OIDC_ISSUER'])(
    'name a missing %s',
    (name) => {
      expect(() => loadConfig({ ...env, [name]: undefined })).toThrow(new RegExp(`^${name}: expected .*set`))
    },
  )

  test('never print the client secret', () => {
    expect(() => loadConfig({ ...env, BOOTWRIGHT_OIDC_CLIENT_SECRET: 'two words' })).toThrow('got "***"')
  })
})
