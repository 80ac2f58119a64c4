// Renders templates of ipxe/ with eta. Called by scripts.ts and bootstrap.ts.
import { Eta } from 'eta'
import { scriptWord } from './words.ts'

/** The texts of `ipxe/`, by file name without endings: `linux`, `why`, … */
export type Templates = Record<string, string>

/** A function that renders a template by its name. It refuses a value that iPXE could read as something else. */
export function createRenderer(templates: Templates): (name: string, view: object) => string {
  const eta = new Eta({
    autoTrim: false,
    autoEscape: true,
    escapeFunction: (value) => scriptWord(String(value)),
    cache: true,
    rmWhitespace: false,
  })
  for (const name of Object.keys(templates)) eta.loadTemplate(`@${name}`, withIncludes(name, templates))
  return (name, view) => eta.render(`@${name}`, view)
}

/** A template with the templates that it includes, each in its own scope. An include at run time copies the whole view. */
function withIncludes(name: string, templates: Templates): string {
  return tidy(templates[name] ?? '').replaceAll(
    /<%~ include\('@([a-z.]+)', it\) %>/g,
    (_, included: string) => `<% { %>${withIncludes(included, templates)}<% } %>`,
  )
}

// A line that has only a tag is removed, so that templates can be indented.
function tidy(template: string): string {
  return template
    .replaceAll(/^[ \t]*(<%(?![=~])[^\n]*?%>)[ \t]*\n/gm, '$1')
    .replaceAll(/(<%~ (?:include\(|it\.offline )[^\n]*?%>)\n/g, '$1')
}
