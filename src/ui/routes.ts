// The table of URLs of the pages.
import { type Context, Hono } from 'hono'
import { compress } from 'hono/compress'
import { secureHeaders } from 'hono/secure-headers'
import { finishOidcSignIn, startOidcSignIn } from './access/oidc.ts'
import { accessPages } from './access/pages.ts'
import { acceptWelcome, signIn, signInPage, signOut, welcomePage } from './access/sign-in.ts'
import { deploymentPages } from './boots/deployment-pages.ts'
import { bootPages } from './boots/pages.ts'
import { changePages } from './changes/pages.ts'
import { encodingFor } from './http/assets.ts'
import type { Route } from './http/route.ts'
import { errorPage, findPrincipal, respond, servePage, type UiDeps } from './http/serve.ts'
import { answerFilePages } from './images/answers/pages.ts'
import { imagePages } from './images/pages.ts'
import { groupPages } from './machines/groups/pages.ts'
import { menuPages } from './machines/menus/pages.ts'
import { machinePages } from './machines/pages.ts'
import { systemPages } from './system/pages.ts'

export type { UiDeps } from './http/serve.ts'

/** The pages for signed-in people, each with the right that it needs. */
export const pages: Route[] = [
  ...bootPages,
  ...deploymentPages,
  ...machinePages,
  ...groupPages,
  ...menuPages,
  ...imagePages,
  ...answerFilePages,
  ...systemPages,
  ...accessPages,
  ...changePages,
]

/** Pages before the sign-in. */
const openPages: ['get' | 'post', string, (deps: UiDeps, context: Context) => Promise<Response>][] = [
  ['get', '/sign-in', signInPage],
  ['post', '/sign-in', signIn],
  ['get', '/sign-in/oidc', startOidcSignIn],
  ['get', '/sign-in/oidc/callback', finishOidcSignIn],
  ['post', '/sign-out', signOut],
  ['get', '/welcome/:secret', welcomePage],
  ['post', '/welcome/:secret', acceptWelcome],
]

/** The pages for people. Everything that they show and change goes through the API. */
export function createUi(deps: UiDeps): Hono {
  const app = new Hono()
  app.use(headers)
  app.use(compress())
  app.get('/assets/:hash/:name', (context) => sendAsset(deps, context))
  for (const [method, path, handler] of openPages)
    app[method](path, (context) =>
      handler(deps, context).catch((error: unknown) =>
        respond(deps, context, errorPage(deps, context, error), undefined),
      ),
    )
  for (const [method, path, handler, action] of pages) app[method](path, servePage(deps, action, handler))
  app.notFound(async (context) => {
    const data = { heading: 'Not found', message: 'There is no such page.', code: undefined, faults: [], back: '/' }
    const page = { view: 'error', title: 'Not found', status: 404 as const, data }
    const principal = await findPrincipal(deps, context).catch(() => undefined)
    return respond(deps, context, page, principal)
  })
  return app
}

/** Nothing from other hosts, nothing inline, no frames (design: a missed escape must stay a text). */
const headers = secureHeaders({
  contentSecurityPolicy: {
    defaultSrc: ["'none'"],
    scriptSrc: ["'self'"],
    styleSrc: ["'self'"],
    imgSrc: ["'self'", 'data:'],
    connectSrc: ["'self'"],
    formAction: ["'self'"],
    baseUri: ["'none'"],
    frameAncestors: ["'none'"],
  },
  referrerPolicy: 'same-origin',
  xFrameOptions: 'DENY',
  strictTransportSecurity: false,
})

function sendAsset({ assets }: UiDeps, context: Context): Response {
  const asset = assets.find(context.req.param('hash') ?? '', context.req.param('name') ?? '')
  if (asset === undefined) return context.text('No such asset.\n', 404)
  const encoding = encodingFor(context.req.header('accept-encoding'))
  return context.body(asset.body(encoding), 200, {
    'content-type': asset.type,
    // The URL changes with the content.
    'cache-control': 'public, max-age=31536000, immutable',
    vary: 'accept-encoding',
    ...(encoding !== 'identity' && { 'content-encoding': encoding }),
  })
}
