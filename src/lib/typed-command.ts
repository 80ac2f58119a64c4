// The name of the command line, as operators type it in this installation.

/** `npm run bootwright --` in a checkout, where npm runs the program; `bootwright` in a package or a container. */
export function commandName(env: Record<string, string | undefined>): string {
  return env.npm_lifecycle_event === undefined ? 'bootwright' : 'npm run bootwright --'
}

/** Replaces `bootwright` at the beginning of each command in a text by the command name of this installation. */
export function asTyped(text: string, command = 'bootwright'): string {
  if (command === 'bootwright' || !text.includes('bootwright ')) return text
  return text.replaceAll(/(?<![\w/.-])(?<!run )bootwright (?=[a-z])/g, `${command} `)
}
