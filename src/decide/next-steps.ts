// The commands on a machine's screen that put right what keeps it from booting.

/** The commands that set names which a text uses and which are not set; undefined when no command sets any of them. */
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
