// `/help/{code}`: explains a code to a person at the machine, who may have no internet. Called by routes.ts.
import type { Explanation } from '../model/codes/code.ts'
import { explainCode } from '../model/codes/explain.ts'
import { renderHelpPage, renderHelpText } from '../render/help.ts'
import type { BootDeps } from './http/deps.ts'
import { type BootContext, baseUrlOf } from './http/request.ts'

const maxCodeCharacters = 64

/**
 * `/help/{code}` as a page for browsers and as plain text for others; `/help/{code}.ipxe` as a script that prints the
 * explanation on the console of the machine.
 */
export function serveHelp(context: BootContext, deps: BootDeps): Response {
  const asked = (context.req.param('code') ?? '').slice(0, maxCodeCharacters)
  const isScript = asked.endsWith('.ipxe')
  const code = asked.replace(/\.(ipxe|txt|html)$/, '')
  const explanations = /^[\w-]+$/.test(code) ? explainCode(code) : []
  context.header('Cache-Control', explanations.length === 0 ? 'no-store' : 'public, max-age=3600')
  context.header('Vary', 'Accept')
  if (isScript) return context.text(scriptOf(context, deps, explanations))
  if (explanations.length === 0)
    return context.text('No such code. A code is PXE-E53, 2d0c613b or BW-NO-VARIANT, for example.\n', 404)
  if (!context.req.header('accept')?.includes('text/html')) return context.text(renderHelpText(explanations))
  context.header('Content-Security-Policy', "default-src 'none'; style-src 'unsafe-inline'")
  return context.html(renderHelpPage(explanations))
}

function scriptOf(context: BootContext, { scripts, settings }: BootDeps, [explanation]: Explanation[]): string {
  if (explanation === undefined) return scripts.help(['This code is not in the tables of the boot server.'])
  const { code, title, causes, checks } = explanation
  const page = `${baseUrlOf(context, settings.baseUrl)}/help/${code}`
  return scripts.help([
    title,
    ...causes.slice(0, 1).map((cause) => `Likely cause: ${cause.replace(/\.$/, '')}.`),
    ...checks.slice(0, 1).map((check) => `Next step: ${check}`),
    `More: ${page}`,
  ])
}
