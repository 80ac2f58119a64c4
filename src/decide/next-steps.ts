// Commands for a machine's screen that fix what prevents its boot. Pure; called by answer.ts.

/** The commands that set the missing names of a text; undefined if no command can set them. */
export function stepsToSet(missing: string[]): string | undefined {
  const named = (pattern: RegExp) => [...new Set(missing.flatMap((name) => pattern.exec(name)?.[1] ?? []))]
  const options = [
    ...named(/^params\.(\w+)/).map((name) => `--param ${name}=VALUE`),
    ...named(/^machine\.labels\.([\w./-]+)/).map((name) => `--label ${name}=VALUE`),
    ...named(/^machine\.(hostname|serial|asset|product|uuid)$/).map((name) => `--${name} VALUE`),
  ]
  const steps = [
    ...(options.length > 0 ? [`bootwright machine set MAC ${options.join(' ')}`] : []),
    ...named(/^secrets\.(\w+)/).map((name) => `bootwright secret set ${name} --machine MAC`),
  ]
  return steps.length === 0 ? undefined : `${steps.join('; ')} (or for one of its groups)`
}
