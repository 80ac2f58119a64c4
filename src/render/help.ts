// Renders explanations of codes as a page and as plain text. Pure.
import { Eta, type TemplateFunction } from 'eta'
import type { Explanation } from '../model/codes/code.ts'

const sources: Record<Explanation['source'], string> = {
  ipxe: 'iPXE',
  'pxe-bios': 'BIOS',
  'pxe-uefi': 'UEFI',
  'http-boot': 'UEFI HTTP Boot',
  shim: 'Secure Boot',
  bootwright: 'Bootwright',
}

/** Explanations for a terminal: the title, then a section for each kind of advice. Ends with a line feed. */
export function renderHelpText(explanations: Explanation[]): string {
  return `${explanations.map(textOf).join('\n\n')}\n`
}

function textOf(explanation: Explanation): string {
  const { code, source, title, meaning, causes, checks, message, details = [], page } = explanation
  const section = (heading: string, lines: string[]) =>
    lines.length === 0 ? [] : [heading, ...lines.map((line) => `  - ${line}`)]
  return [
    `${code} (${sources[source]}): ${title}`,
    `  ${meaning}`,
    ...(message === undefined ? [] : [`  On the screen: ${message}`]),
    ...section('Likely causes', causes),
    ...section('Next steps', checks),
    ...section('In the code', details),
    ...(page === undefined ? [] : [`More: ${page}`]),
  ].join('\n')
}

/** Compiled at the first request: any host of the boot network may ask for pages. */
let pageFunction: TemplateFunction | undefined

const page = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title><%= it.items[0].code %>: <%= it.items[0].title %></title>
<style>body { font: 1.1em/1.5 sans-serif; max-width: 40em; margin: 1em auto; padding: 0 1em }</style>
<% for (const { code, source, title, meaning, causes, checks, message, details = [] } of it.items) { %>
<h1><%= code %> (<%= it.sources[source] %>): <%= title %></h1>
<p><%= meaning %></p>
<% if (message !== undefined) { %><p>On the screen: <code><%= message %></code></p>
<% } %><% for (const [heading, lines] of [['Likely causes', causes], ['Next steps', checks], ['In the code', details]]) { %><% if (lines.length > 0) { %><h2><%= heading %></h2>
<ol>
<% for (const line of lines) { %><li><%= line %></li>
<% } %></ol>
<% } %><% } %><% } %></html>
`

/** Explanations as a page without scripts and without addresses of other hosts. */
export function renderHelpPage(explanations: Explanation[]): string {
  const eta = new Eta({ autoEscape: true })
  pageFunction ??= eta.compile(page)
  return eta.render(pageFunction, { items: explanations, sources })
}
