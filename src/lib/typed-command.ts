/** How an operator types our command line here: npm runs it in a folder of the sources, and a package or container by its name. */
export function commandName(env: Record<string, string | undefined>): string {
  return env.npm_lifecycle_event === undefined ? 'bootwright' : 'npm run bootwright --'
}

/** A text for people whose commands begin with `bootwright`, with these as they are typed here. */
export function asTyped(text: string, command = 'bootwright'): string {
  return text.replaceAll(/(?<![\w/.-])(?<!run )bootwright (?=[a-z])/g, `${command} `)
}
