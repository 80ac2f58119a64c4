// Parsers of the settings of OpenID Connect.
import { isIP } from 'node:net'
import { type Role, roles } from '../model/access/role.ts'
import { listOf } from './setting.ts'

/** Parses an issuer: https, or http on this computer. The text stays as it is, because issuers are compared exactly. */
export function parseIssuer(text: string): string | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || url.username || url.password || url.search || url.hash) return undefined
  return url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname)) ? text : undefined
}

/** Parses `group=role,…`. The last `=` separates, because names of groups may contain one. */
export function parseGroupRoles(text: string): Record<string, Role> | undefined {
  const parts = listOf(text).map((part) => /^(.+)=([a-z]+)$/.exec(part))
  const isRole = (role: string | undefined) => roles.some((name) => name === role)
  if (parts.length === 0 || !parts.every((part) => isRole(part?.[2]))) return undefined
  return Object.fromEntries(parts.map((part) => [part?.[1]?.trim(), part?.[2]]))
}

/** Parses scopes, separated by spaces. OpenID Connect requires `openid`. */
export function parseScopes(text: string): string | undefined {
  const scopes = text.split(/\s+/)
  return scopes.includes('openid') && scopes.every((scope) => /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(scope))
    ? scopes.join(' ')
    : undefined
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '[::1]' || (isIP(host) === 4 && host.startsWith('127.'))
}
