import { type Command, InvalidArgumentError } from 'commander'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { everyBootOption } from './assignment-options.ts'

type Policy = { kind: string; image?: string; menu?: string; everyBoot?: true }

const meanings: Record<string, string> = {
  local: 'machines without an image boot from their own disk',
  wait: 'machines without an image wait until one is assigned',
}

/** `bootwright policy`. */
export function addPolicyCommand(program: Command, deps: CliDeps): void {
  const policy = program.command('policy').description('what machines boot that have no image assigned')

  policy
    .command('show')
    .description('show the policy')
    .action(async (_options, command: Command) => {
      print(command, deps, await clientOf(command, deps).ask<Policy>('GET', '/policy'), formatPolicy)
    })

  policy
    .command('set')
    .description('change the policy')
    .argument('<kind>', 'local (their own disk), wait (until one is assigned), menu, or image', parseKind)
    .argument('[name]', 'with image and menu: which one')
    .addOption(everyBootOption())
    .action(async (kind: string, name: string | undefined, { everyBoot }: { everyBoot?: true }, command: Command) => {
      const named = kind === 'image' || kind === 'menu'
      if (named !== (name !== undefined))
        command.error('error: a name is given with image and menu, and only with them: policy set image NAME')
      const wanted: Policy = { kind, ...(name !== undefined && { [kind]: name }), ...(everyBoot && { everyBoot }) }
      print(
        command,
        deps,
        (await clientOf(command, deps).ask<Policy | undefined>('PUT', '/policy', wanted)) ?? wanted,
        formatPolicy,
      )
    })
}

function parseKind(text: string): string {
  if (!['local', 'wait', 'menu', 'image'].includes(text))
    throw new InvalidArgumentError('It is local, wait, menu or image.')
  return text
}

function formatPolicy({ kind, image, menu }: Policy): string {
  if (kind === 'menu') return `menu: machines without an image are shown menu ${menu}`
  return kind === 'image' ? `image: machines without an image boot ${image}` : `${kind}: ${meanings[kind]}`
}
