// `bootwright policy`.
import { type Command, InvalidArgumentError } from 'commander'
import type { Policy, PolicySaved } from '../../api/schemas/machines/policy.ts'
import { formatImageRef } from '../../model/image.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { everyBootOption, readImageRef } from './assignment-options.ts'
import { addDryRun, countedPath, printConcerns } from './concerns.ts'

const kinds = ['local', 'wait', 'menu', 'image'] as const satisfies Policy['kind'][]

/** `bootwright policy`. */
export function addPolicyCommand(program: Command, deps: CliDeps): void {
  const policy = program.command('policy').description('manage the policy: what machines without an assignment boot')

  policy
    .command('show')
    .description('show the policy')
    .action(async (_options, command: Command) => {
      print(command, deps, await clientOf(command, deps).ask<Policy>('GET', '/policy'), formatPolicy)
    })

  addDryRun(policy.command('set'))
    .description('change the policy')
    .argument(
      '<kind>',
      'local (boot from the local disk), wait (until an image is assigned), menu, or image',
      parseKind,
    )
    .argument('[name]', 'name of the image or menu; an image may be pinned to a version: NAME@VERSION')
    .addOption(everyBootOption())
    .action(
      async (
        kind: Policy['kind'],
        name: string | undefined,
        options: { everyBoot?: true; dryRun?: true },
        command: Command,
      ) => {
        const { dryRun, ...often } = options
        const needsName = kind === 'image' || kind === 'menu'
        if (needsName !== (name !== undefined))
          command.error(
            'error: expected a name for image and menu, and for no other kind. Example: policy set image NAME',
          )
        const named =
          kind === 'image' && name !== undefined ? readImageRef(name) : name !== undefined && { [kind]: name }
        const policy = { kind, ...named, ...often }
        const saved = await clientOf(command, deps).ask<PolicySaved>('PUT', countedPath('/policy', dryRun), policy)
        print(command, deps, saved, formatPolicy)
        printConcerns(deps, saved.concerns)
      },
    )
}

function parseKind(text: string): Policy['kind'] {
  const kind = kinds.find((name) => name === text)
  if (kind === undefined)
    throw new InvalidArgumentError(`Expected ${kinds.slice(0, -1).join(', ')} or ${kinds.at(-1)}.`)
  return kind
}

function formatPolicy(policy: Policy): string {
  switch (policy.kind) {
    case 'local':
      return 'local: machines without an image boot from their local disk'
    case 'wait':
      return 'wait: machines without an image wait until an image is assigned'
    case 'menu':
      return `menu: machines without an image show menu ${policy.menu}`
    case 'image':
      return `image: machines without an image boot ${formatImageRef(policy)}`
  }
}
