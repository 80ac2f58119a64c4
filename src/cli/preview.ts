import { type Command, Option } from 'commander'
import { archs, platforms } from '../arch.ts'
import { formatMacHyphen } from '../mac.ts'
import { withQuery } from './client.ts'
import { type CliDeps, clientOf, print } from './deps.ts'
import { macArgument } from './machine.ts'

type Decision = {
  target: { arch: string; platform: string; assumed: string[] }
  machine?: { name: string; discovered: boolean }
  image?: { name: string; version: number }
  spec: { kind: string; reason?: string; nextStep?: string; args?: string[] }
  reasons: { candidate: string; won: boolean; why: string }[]
}

/** `bootwright preview`. */
export function addPreviewCommand(program: Command, deps: CliDeps): void {
  program
    .command('preview')
    .description('the script that a machine would get now; changes nothing')
    .addArgument(macArgument())
    .addOption(new Option('--arch <arch>', 'as if the machine were of this arch').choices(archs))
    .addOption(new Option('--platform <platform>', 'as if its firmware were of this kind').choices(platforms))
    .option('--why', 'the decision and its reasons, instead of the script')
    .action(
      async (
        mac: string,
        { why, ...target }: { why?: boolean; arch?: string; platform?: string },
        command: Command,
      ) => {
        const client = clientOf(command, deps)
        const path = (what: string) => withQuery(`/machines/${formatMacHyphen(mac)}/${what}`, target)
        if (why || command.optsWithGlobals<{ json?: boolean }>().json)
          print(command, deps, await client.ask<Decision>('GET', path('decision')), formatDecision)
        else print(command, deps, await client.text(path('script')), (script) => script.trimEnd())
      },
    )
}

function formatDecision({ target, image, spec, reasons }: Decision): string {
  const what =
    spec.kind === 'refusal'
      ? `refused: ${spec.reason}; ${spec.nextStep}`
      : image === undefined
        ? spec.kind
        : `${image.name} version ${image.version}, ${spec.kind}`
  return [
    `boots   ${what}`,
    ...(spec.args?.length ? [`args    ${spec.args.join(' ')}`] : []),
    `target  ${target.arch} ${target.platform}${target.assumed.length > 0 ? ` (assumed: ${target.assumed.join(', ')})` : ''}`,
    ...reasons.map(({ candidate, won, why }) => `${won ? 'yes' : 'no '}     ${candidate}: ${why}`),
  ].join('\n')
}
