import http from 'node:http'
import type { AddressInfo } from 'node:net'
import Provider, { type KoaContextWithOIDC } from 'oidc-provider'

/** A person at the provider. `subject` never changes. */
export type ProviderPerson = { subject: string; name: string; groups: string[]; email?: string }

/** An OpenID provider on a loopback port. */
export type TestProvider = {
  issuer: string
  clientId: string
  clientSecret: string
  /** The people, by the login that they type into the provider's form. Tests may change them. */
  people: Map<string, ProviderPerson>
  /** Signs in at the provider as a browser would, and returns the URL to which it sends the browser back. */
  signIn: (url: string, login: string) => Promise<string>
  /** Refuses connections until `resume`. */
  pause: () => Promise<void>
  resume: () => Promise<void>
  stop: () => Promise<void>
}

const clientId = 'bootwright'
const clientSecret = 'secret-of-the-test-client'

/**
 * Starts a provider that knows one client. Its sign-in form asks only for a login, and a person is sent back at once.
 * @param redirectUris where the client receives answers
 */
export async function startOidcProvider(
  redirectUris: string[],
  people: Record<string, ProviderPerson>,
): Promise<TestProvider> {
  const known = new Map(Object.entries(people))
  const server = http.createServer()
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  await listen(0)
  const { port } = server.address() as AddressInfo
  const issuer = `http://127.0.0.1:${port}`
  const provider = createProvider(issuer, redirectUris, known)
  server.on('request', provider.callback())
  const close = async () => {
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeAllConnections()
    await closed
  }
  return {
    issuer,
    clientId,
    clientSecret,
    people: known,
    signIn: (url, login) => signInAt(issuer, url, login),
    pause: close,
    resume: () => listen(port),
    stop: close,
  }
}

function createProvider(issuer: string, redirectUris: string[], people: Map<string, ProviderPerson>): Provider {
  const provider = new Provider(issuer, {
    clients: [{ client_id: clientId, client_secret: clientSecret, redirect_uris: redirectUris }],
    scopes: ['openid', 'profile', 'email', 'groups'],
    claims: { openid: ['sub'], profile: ['preferred_username'], email: ['email'], groups: ['groups'] },
    pkce: { required: () => true },
    cookies: { keys: ['key of the test provider'] },
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_context, { uid }) => `/interaction/${uid}` },
    findAccount: (_context, id) => {
      const person = [...people.values()].find(({ subject }) => subject === id)
      if (person === undefined) return undefined
      const { name, groups, email } = person
      return {
        accountId: id,
        claims: () => ({ sub: id, preferred_username: name, groups, ...(email !== undefined && { email }) }),
      }
    },
    loadExistingGrant: async ({ oidc }) => {
      const grant = new provider.Grant({ clientId, accountId: oidc.session?.accountId ?? '' })
      grant.addOIDCScope('openid profile email groups')
      await grant.save()
      return grant
    },
    ttl: { AccessToken: 600, AuthorizationCode: 600, IdToken: 600, Grant: 600, Interaction: 600, Session: 600 },
  })
  provider.use(async (context, next) => {
    if (!context.path.startsWith('/interaction/')) return next()
    await showInteraction(provider, context as KoaContextWithOIDC, people)
  })
  return provider
}

/** A page with a form for the login; its answer ends the interaction. */
async function showInteraction(
  provider: Provider,
  context: KoaContextWithOIDC,
  people: Map<string, ProviderPerson>,
): Promise<void> {
  if (context.method === 'GET') {
    context.type = 'html'
    context.body =
      '<!doctype html><title>Test provider</title><form method="post"><label>Login <input name="login"></label><button>Sign in</button></form>'
    return
  }
  let text = ''
  for await (const chunk of context.req.setEncoding('utf8')) text += chunk as string
  const person = people.get(new URLSearchParams(text).get('login') ?? '')
  const result =
    person === undefined
      ? { error: 'access_denied', error_description: 'no such person' }
      : { login: { accountId: person.subject } }
  context.redirect(await provider.interactionResult(context.req, context.res, result))
}

async function signInAt(issuer: string, url: string, login: string): Promise<string> {
  const cookies = new Map<string, string>()
  const visit = async (address: string, body?: string): Promise<Response> => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { cookie, ...(body !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }) }
    const response = await fetch(address, {
      redirect: 'manual',
      headers,
      ...(body !== undefined && { method: 'POST', body }),
    })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      cookies.set(name, value)
    }
    return response
  }
  let at = url
  for (let steps = 0; steps < 10; steps++) {
    let response = await visit(at)
    if (response.status === 200 && at.includes('/interaction/'))
      response = await visit(at, new URLSearchParams({ login }).toString())
    const location = response.headers.get('location')
    if (location === null) throw new Error(`the provider answered ${response.status}: ${await response.text()}`)
    at = new URL(location, issuer).href
    if (!at.startsWith(issuer)) return at
  }
  throw new Error('the provider redirects without an end')
}
