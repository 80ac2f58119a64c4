// Sign-in with OpenID Connect: the authorization code flow with state, nonce and PKCE.
import * as openid from 'openid-client'
import type { Browser } from '../inventory/access/sessions.ts'
import { messageOf } from '../lib/errors.ts'
import { type Claims, groupsOf, nameOf, roleOf } from './oidc-claims.ts'
import { isUnreachable, type OidcClient, reasonOf } from './oidc-client.ts'
import { findOrAddPerson, revokeUnmapped } from './oidc-person.ts'
import { openSession } from './sign-in.ts'
import {
  disabled,
  refuse,
  type SignInDeps,
  type SignInRefusal,
  type SignInResult,
  takeAttempt,
} from './sign-in-deps.ts'

/** What the browser keeps, sealed, until the provider sends it back. */
type Pending = { state: string; nonce: string; verifier: string; startedAt: number }

/** The time in which a person signs in at the provider. */
export const maxPendingMs = 600_000
const sealedFor = 'oidc sign-in'

/** Begins a sign-in: where to send the browser, and what it keeps in a cookie for 10 minutes. */
export async function startOidc(
  client: OidcClient,
  deps: SignInDeps,
  { address }: Pick<Browser, 'address'>,
): Promise<{ url: string; cookieValue: string } | { refusal: SignInRefusal }> {
  const pending: Pending = {
    state: openid.randomState(),
    nonce: openid.randomNonce(),
    verifier: openid.randomPKCECodeVerifier(),
    startedAt: Date.now(),
  }
  let configuration: openid.Configuration
  try {
    configuration = await client.configuration()
  } catch (error) {
    return refuse(deps, away, { ip: address, method: 'oidc', error: reasonOf(error) })
  }
  const url = openid.buildAuthorizationUrl(configuration, {
    redirect_uri: client.redirectUri,
    scope: client.settings.scopes,
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: await openid.calculatePKCECodeChallenge(pending.verifier),
    code_challenge_method: 'S256',
  })
  return { url: url.href, cookieValue: client.sealer.seal(JSON.stringify(pending), sealedFor) }
}

/**
 * Ends a sign-in at the provider's callback. The answer must belong to the sign-in in the cookie, and is accepted once. The person is
 * found by issuer and subject alone: a name or an e-mail address can be chosen at some providers. At each sign-in the role follows the
 * groups.
 */
export async function finishOidc(
  client: OidcClient,
  deps: SignInDeps,
  { callbackUrl, cookieValue, ...browser }: Browser & { callbackUrl: string; cookieValue: string | undefined },
): Promise<SignInResult> {
  const facts = { ip: browser.address, method: 'oidc' }
  const limited = takeAttempt(deps, browser.address, 'oidc')
  if (limited !== undefined) return limited
  const pending = readPending(client, cookieValue)
  if (typeof pending === 'string') return refuse(deps, invalid, { ...facts, error: pending })
  if (!client.takeState(pending.state)) return refuse(deps, invalid, { ...facts, error: 'the answer was used before' })
  let claims: Claims & { iss: string; sub: string }
  try {
    claims = await readClaims(client, pending, callbackUrl)
  } catch (error) {
    return refuse(deps, isUnreachable(error) ? away : invalid, { ...facts, error: reasonOf(error) })
  }
  const identity = { issuer: claims.iss, subject: claims.sub }
  const groups = groupsOf(claims, client.settings.groupClaim)
  const role = roleOf(groups, client.settings.roles)
  const name = nameOf(claims, client.settings.nameClaim)
  if (role === undefined) {
    await revokeUnmapped(deps.db, identity)
    const count = groups.length === 0 ? 'no groups came' : `${groups.length} groups came`
    return refuse(deps, unmapped(client, groups), { ...facts, person: name, error: count })
  }
  const session = await deps.db.transaction(async (tx) => {
    const person = await findOrAddPerson(tx, identity, name, role)
    return person.disabledAt === null ? openSession(deps, tx, person, browser, 'oidc') : undefined
  })
  return session === undefined ? refuse(deps, disabled, { ...facts, person: name }) : { session }
}

/** The sign-in in a cookie; otherwise why it is not valid. */
function readPending({ sealer }: OidcClient, cookieValue: string | undefined): Pending | string {
  if (cookieValue === undefined) return 'the browser sent no cookie'
  let pending: Pending
  try {
    pending = JSON.parse(sealer.open(cookieValue, sealedFor)) as Pending
  } catch (error) {
    return `the cookie is not valid: ${messageOf(error)}`
  }
  const ageMs = Date.now() - pending.startedAt
  return ageMs >= 0 && ageMs < maxPendingMs ? pending : 'the sign-in took longer than 10 minutes'
}

/** Exchanges the code of the callback for the claims of the person. */
async function readClaims(
  { configuration: read, redirectUri, settings }: OidcClient,
  { state, nonce, verifier }: Pending,
  callbackUrl: string,
): Promise<Claims & { iss: string; sub: string }> {
  const configuration = await read()
  // A proxy may change host and scheme of the callback, but the provider compares the whole redirect URI.
  const answer = new URL(redirectUri)
  answer.search = new URL(callbackUrl, redirectUri).search
  const tokens = await openid.authorizationCodeGrant(configuration, answer, {
    expectedState: state,
    expectedNonce: nonce,
    pkceCodeVerifier: verifier,
    idTokenExpected: true,
  })
  const claims = tokens.claims()
  if (claims === undefined) throw new Error('the provider sent no ID token')
  // Many providers send groups and names only to the userinfo endpoint.
  const isMissing = groupsOf(claims, settings.groupClaim).length === 0 || claims[settings.nameClaim] === undefined
  if (!isMissing || configuration.serverMetadata().userinfo_endpoint === undefined) return claims
  const more = await openid.fetchUserInfo(configuration, tokens.access_token, claims.sub)
  return { ...more, ...claims }
}

const away: SignInRefusal = {
  code: 'BW-OIDC-AWAY',
  message: 'the OpenID provider does not answer. Next step: sign in with a password, or try again in a minute',
  retryAfterSeconds: 30,
}

const invalid: SignInRefusal = {
  code: 'BW-OIDC-ANSWER',
  message: 'the answer of the OpenID provider is not valid or has expired. Next step: sign in again',
}

function unmapped({ settings }: OidcClient, groups: string[]): SignInRefusal {
  const sent = groups.length === 0 ? 'no groups' : `the groups ${groups.slice(0, 10).join(', ').slice(0, 200)}`
  const message = `the OpenID provider sent ${sent} in the claim ${settings.groupClaim}, and none has a role here. Next step: ask an admin to add you to a group of BOOTWRIGHT_OIDC_ROLES`
  return { code: 'BW-OIDC-GROUP', message }
}
