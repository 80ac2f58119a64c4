import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import type { AdminDeps } from '../../src/api/routes.ts'
import type { Db } from '../../src/db/open.ts'
import { createSession } from '../../src/inventory/access/sessions.ts'
import type { Role } from '../../src/model/access/role.ts'
import { createAdminFetch } from '../../src/server/http/admin-app.ts'
import { openAssets } from '../../src/ui/http/assets.ts'
import { findPersonBy, sessionCookieName } from '../../src/ui/http/session.ts'
import { openViews } from '../../src/ui/http/views.ts'
import { createUi, type UiDeps } from '../../src/ui/routes.ts'
import { type Api, openApi } from './api.ts'
import { addTestPerson, browser, signInDeps } from './people.ts'

/** The pages and the API over a database, on a port of loopback. */
export type PageServer = {
  /** `http://127.0.0.1:port` */
  url: string
  api: Api
  deps: UiDeps
  /** The cookie of a new session of a person with this role. */
  signIn: (role: Role) => Promise<{ name: string; value: string; person: string }>
  /** Sends a request as a browser that is signed in with the role does; without a role, one that is not signed in. */
  visit: (role: Role | undefined, path: string, form?: Record<string, string>) => Promise<Visited>
  close: () => Promise<void>
}

export type Visited = { status: number; html: string; headers: Headers }

const views = openViews()
const assets = openAssets()

/** @param cookies `plainHttp: false` for the cookie that needs HTTPS or loopback */
export async function openPageServer(
  db: Db,
  {
    cookies = { plainHttp: true },
    ui: changed = {},
    ...change
  }: Partial<AdminDeps> & { cookies?: UiDeps['cookies']; ui?: Partial<UiDeps> } = {},
): Promise<PageServer> {
  const api = await openApi(db, { trusted: false, ...change })
  const { log, metrics } = api.deps
  const signInWith = signInDeps(db)
  const deps: UiDeps = {
    fetch: (request, env) => api.app.fetch(request, env),
    signIn: signInWith,
    cookies,
    oidc: undefined,
    adminUrl: undefined,
    isTrustedProxy: () => false,
    ...{ views, assets, log, metrics },
    siteName: 'lab & co',
    version: '0.0.0',
    command: 'bootwright',
    ...changed,
  }
  const parts = { api: api.app, ui: createUi(deps), findPerson: findPersonBy(signInWith, cookies) }
  const fetch = createAdminFetch({ ...parts, adminUrl: undefined, hosts: [], log, metrics })
  const server = http.createServer(getRequestListener((request, env) => fetch(request, env)))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const secrets = new Map<Role, string>()
  let made = 0
  const signIn: PageServer['signIn'] = async (role) => {
    made += 1
    const person = await addTestPerson(db, `${role}-${made}`, role)
    const { secret } = await db.transaction((tx) =>
      createSession(tx, person, { method: 'password', ...browser }, signInWith.sessions),
    )
    return { name: sessionCookieName(cookies), value: secret, person: person.name }
  }
  const secretOf = async (role: Role) => {
    const secret = secrets.get(role) ?? (await signIn(role)).value
    secrets.set(role, secret)
    return secret
  }
  return {
    ...{ url, api, deps, signIn },
    visit: async (role, path, form) => {
      const cookie = role === undefined ? {} : { cookie: `${sessionCookieName(cookies)}=${await secretOf(role)}` }
      const headers = { ...cookie, origin: url, 'sec-fetch-site': 'same-origin' }
      const init = form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }
      const response = await globalThis.fetch(`${url}${path}`, { headers, redirect: 'manual', ...init })
      return { status: response.status, html: await readPart(response), headers: response.headers }
    },
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await api.remove()
    },
  }
}

/** The text of a response; of an event stream, the first event. */
async function readPart(response: Response): Promise<string> {
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream')
  if (!isStream || response.body === null) return response.text()
  let text = ''
  for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
    text += part
    if (text.includes('\n\n')) break
  }
  return text
}
