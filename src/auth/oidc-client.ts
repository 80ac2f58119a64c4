// The client of an OpenID provider: its settings, and the provider's metadata, which is read when somebody signs in.
import * as openid from 'openid-client'
import type { Config } from '../config/config.ts'
import type { Sealer } from '../lib/seal.ts'

export type OidcSettings = Pick<
  Config['oidc'],
  'clientId' | 'clientSecret' | 'scopes' | 'nameClaim' | 'groupClaim' | 'roles' | 'label'
> & { issuer: string; clientId: string }

/** A provider at which people can sign in. */
export type OidcClient = {
  settings: OidcSettings
  /** The URL to which the provider sends browsers back. An operator enters it at the provider. */
  redirectUri: string
  sealer: Sealer
  /** Reads the metadata of the provider, at most once an hour. Rejects if the provider does not answer or is not the issuer. */
  configuration: () => Promise<openid.Configuration>
  /** True for the first call with a state: an answer is accepted once. */
  takeState: (state: string) => boolean
}

const timeoutSeconds = 5
const retryAfterMs = 500
const keptMs = 3_600_000
/** Sign-ins in these minutes can be repeated at most once. Beyond the maximum, the oldest states are deleted. */
const maxStates = 10_000

export const callbackPath = '/sign-in/oidc/callback'

/** The client for the settings; undefined if they name no provider. */
export function oidcClientOf({ oidc, admin }: Pick<Config, 'oidc' | 'admin'>, sealer: Sealer): OidcClient | undefined {
  const { issuer, clientId } = oidc
  if (issuer === undefined || clientId === undefined || admin.url === undefined) return undefined
  return createOidcClient({ ...oidc, issuer, clientId }, `${admin.url}${callbackPath}`, sealer)
}

export function createOidcClient(settings: OidcSettings, redirectUri: string, sealer: Sealer): OidcClient {
  let read: { at: number; configuration: Promise<openid.Configuration> } | undefined
  const states = new Set<string>()
  return {
    settings,
    redirectUri,
    sealer,
    configuration: () => {
      if (read === undefined || performance.now() - read.at > keptMs) {
        const reading = { at: performance.now(), configuration: discover(settings) }
        read = reading
        // The next sign-in tries again.
        reading.configuration.catch(() => {
          if (read === reading) read = undefined
        })
      }
      return read.configuration
    },
    takeState: (state) => {
      if (states.has(state)) return false
      for (const oldest of states) {
        if (states.size < maxStates) break
        states.delete(oldest)
      }
      states.add(state)
      return true
    },
  }
}

async function discover(settings: OidcSettings): Promise<openid.Configuration> {
  const attempt = () => readConfiguration(settings)
  return attempt().catch(async (error: unknown) => {
    if (!isUnreachable(error)) throw error
    await new Promise((resolve) => setTimeout(resolve, retryAfterMs))
    return attempt()
  })
}

async function readConfiguration({ issuer, clientId, clientSecret }: OidcSettings): Promise<openid.Configuration> {
  const isPlain = issuer.startsWith('http:')
  const execute = isPlain ? [openid.allowInsecureRequests] : []
  const found = await openid.discovery(new URL(issuer), clientId, undefined, openid.None(), {
    timeout: timeoutSeconds,
    execute,
  })
  const server = found.serverMetadata()
  const methods = server.token_endpoint_auth_methods_supported
  const configuration = new openid.Configuration(server, clientId, undefined, authenticationOf(clientSecret, methods))
  configuration.timeout = timeoutSeconds
  if (isPlain) openid.allowInsecureRequests(configuration)
  // The token comes over TLS from the provider itself. Its signature is verified too.
  openid.enableNonRepudiationChecks(configuration)
  return configuration
}

/** A provider that names no method supports client_secret_basic (OpenID Connect Discovery, 3). */
function authenticationOf(secret: string | undefined, methods = ['client_secret_basic']): openid.ClientAuth {
  if (secret === undefined) return openid.None()
  return methods.includes('client_secret_basic') ? openid.ClientSecretBasic(secret) : openid.ClientSecretPost(secret)
}

/** Whether the provider did not answer, or answered with an error of its own (5xx). */
export function isUnreachable(error: unknown): boolean {
  const { code, cause, name } = error as { code?: string; cause?: unknown; name?: string }
  // The fetch of Node fails with a TypeError whose cause is the error of the system.
  const isNetwork = name === 'TypeError' && (cause as { code?: unknown } | undefined)?.code !== undefined
  const isServerError = cause instanceof Response && cause.status >= 500
  return isNetwork || isServerError || code === 'OAUTH_TIMEOUT' || code === 'OAUTH_ABORT'
}

/** An error of the library or the provider in words, for the log: never a code or a token. */
export function reasonOf(error: unknown): string {
  const texts = wordsOf(error).filter((text) => typeof text === 'string' && text !== '')
  return [...new Set(texts)].join(': ').slice(0, 300)
}

function wordsOf(error: unknown): unknown[] {
  if (!(error instanceof Error)) return []
  const { error: kind, error_description: text, cause } = error as Partial<Problem> & { cause?: unknown }
  // A refused client secret is in a header: WWW-Authenticate.
  const challenges = (Array.isArray(cause) ? cause : []) as { parameters?: Partial<Problem> }[]
  const inside = challenges.flatMap(({ parameters }) => [parameters?.error, parameters?.error_description])
  return [error.message, kind, text, ...inside, ...wordsOf(cause)]
}

/** An error of the provider (RFC 6749, 5.2). */
type Problem = { error: string; error_description: string }
