// `bootwright explain`, and decisions as text.
import { type Command, InvalidArgumentError, Option } from 'commander'
import type { ExplainedDecision } from '../../api/schemas/boots/decision.ts'
import { archs, platforms } from '../../model/arch.ts'
import { machineHelp, machineInPath, readMachine } from '../machines/argument.ts'
import { withQuery } from '../shell/client.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'

/** `bootwright explain`. */
export function addExplainCommand(program: Command, deps: CliDeps): void {
  program
    .command('explain')
    .description('explain what a machine would boot now: which rule decided, and why the others did not')
    .argument('[machine]', machineHelp, readMachine)
    .option('--as <facts>', "facts of a machine that need not exist: 'mac=…&product=…'", parseAs)
    .addOption(new Option('--arch <arch>', 'architecture to assume').choices(archs))
    .addOption(new Option('--platform <platform>', 'firmware platform to assume').choices(platforms))
    .action(
      async (
        machine: string | undefined,
        { as, ...target }: { as?: Record<string, string>; arch?: string; platform?: string },
        command: Command,
      ) => {
        if ((machine === undefined) === (as === undefined)) command.error('error: expected a machine or --as, not both')
        const path =
          as === undefined
            ? withQuery(`/machines/${machineInPath(machine as string)}/decision`, target)
            : withQuery('/explain', { ...as, ...target })
        print(command, deps, await clientOf(command, deps).ask<ExplainedDecision>('GET', path), formatDecision)
      },
    )
}

/** A decision as text. Each reason is on a line of its own, marked `yes` if it decided. */
export function formatDecision(decision: ExplainedDecision): string {
  const { target, deployment, answerFile, params, spec, notices, reasons, others } = decision
  const args = 'args' in spec ? spec.args : []
  const removed = 'withoutArgs' in spec ? (spec.withoutArgs ?? []) : []
  const assumed = target.assumed.length > 0 ? ` (assumed: ${target.assumed.join(', ')})` : ''
  const lines: [string, string][] = [
    ['boots', whatOf(decision)],
    ...(deployment
      ? [
          ['deploys', `${deployment.id}, attempt ${deployment.attempt} of ${deployment.maxAttempts}`] as [
            string,
            string,
          ],
        ]
      : []),
    ...(args.length > 0 ? [['args', args.join(' ')] as [string, string]] : []),
    ...(removed.length > 0
      ? [['without', [...new Set(removed.map(({ pattern }) => pattern))].join(' ')] as [string, string]]
      : []),
    ...(answerFile ? [['answers', `${answerFile.name} version ${answerFile.version}`] as [string, string]] : []),
    ...Object.entries(params).map(([name, value]): [string, string] => ['param', `${name}=${JSON.stringify(value)}`]),
    ['target', `${target.arch} ${target.platform}${assumed}`],
    ...notices.map((notice): [string, string] => ['notice', notice]),
    ...reasons.map(({ candidate, won, why }): [string, string] => [won ? 'yes' : 'no', `${candidate}: ${why}`]),
    ...others.map(({ group, why }): [string, string] => ['no', `group ${group} does not match: it requires ${why}`]),
  ]
  return lines.map(([name, text]) => `${name.padEnd(8)}${text}`).join('\n')
}

function whatOf({ image, spec }: ExplainedDecision): string {
  if (spec.kind === 'refusal') return `refused: ${spec.reason}; ${spec.nextStep}`
  if (spec.kind === 'menu') return `menu ${spec.menu}: ${spec.entries.map(({ name }) => name).join(', ')}`
  const how =
    spec.kind === 'local' ? `local by ${typeof spec.method === 'object' ? spec.method.file : spec.method}` : spec.kind
  return image === undefined ? how : `${image.name} version ${image.version}, ${how}`
}

function parseAs(text: string): Record<string, string> {
  const facts = Object.fromEntries(new URLSearchParams(text))
  if (Object.keys(facts).length === 0)
    throw new InvalidArgumentError("Expected facts. Example: 'mac=52-54-00-12-34-56&product=X1'")
  return facts
}
