import { Command } from 'commander'
import { asTyped, commandName } from '../typed-command.ts'
import { addAnswerFileCommand } from './answer-file.ts'
import { addBootsCommand } from './boots.ts'
import { addChangesCommand } from './changes.ts'
import { addDeploymentCommand } from './deployment.ts'
import type { CliDeps } from './deps.ts'
import { addExplainCommand } from './explain.ts'
import { addFileCommand } from './file.ts'
import { addFindingsCommand } from './findings.ts'
import { addGroupCommand } from './group.ts'
import { addImageCommand } from './image.ts'
import { addMachineCommand } from './machine.ts'
import { addMenuCommand } from './menu.ts'
import { addPolicyCommand } from './policy.ts'
import { addPreviewCommand } from './preview.ts'
import { addSecretCommand } from './secret.ts'
import { addServeCommand } from './serve.ts'
import { addTokenCommand } from './token.ts'
import { addWebhookCommand } from './webhook.ts'

/**
 * The command line, to be run with `parseAsync`. It never ends the process: wrong usage rejects with a CommanderError,
 * after commander has written the fault and the way to help; a failure rejects with an Error for the operator.
 */
export function createProgram(given: CliDeps): Command {
  const command = commandName(given.env)
  const deps = { ...given, err: (text: string) => given.err(asTyped(text, command)) }
  const program = new Command('bootwright')
    .description('boots machines over the network, and says why they boot what they boot')
    .option(
      '--url <url>',
      'admin address of the server, http://host:port (else BOOTWRIGHT_URL, else its socket in the data folder)',
    )
    .option(
      '--token <token>',
      'admin token for --url (else BOOTWRIGHT_TOKEN, which other users of this computer cannot see)',
    )
    .option('--json', "print the API's JSON")
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: deps.out, writeErr: deps.err })
    .showHelpAfterError('(--help says more)')
    .exitOverride()
  addServeCommand(program, deps)
  addMachineCommand(program, deps)
  addImageCommand(program, deps)
  addFileCommand(program, deps)
  addGroupCommand(program, deps)
  addDeploymentCommand(program, deps)
  addAnswerFileCommand(program, deps)
  addMenuCommand(program, deps)
  addSecretCommand(program, deps)
  addExplainCommand(program, deps)
  addPreviewCommand(program, deps)
  addBootsCommand(program, deps)
  addPolicyCommand(program, deps)
  addFindingsCommand(program, deps)
  addChangesCommand(program, deps)
  addWebhookCommand(program, deps)
  addTokenCommand(program, deps)
  return program
}
