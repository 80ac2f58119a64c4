// The commands of the command line, put together.
import { Command } from 'commander'
import { readVersion } from '../lib/program-dir.ts'
import { asTyped, commandName } from '../lib/typed-command.ts'
import { addPersonCommand } from './access/person.ts'
import { addTokenCommand } from './access/token.ts'
import { addBootsCommand } from './boots/boots.ts'
import { addDeploymentCommand } from './boots/deployment.ts'
import { addExplainCommand } from './boots/explain.ts'
import { addNowCommand } from './boots/now.ts'
import { addPreviewCommand } from './boots/preview.ts'
import { addRolloutCommand } from './boots/rollout.ts'
import { addTimelineCommand } from './boots/timeline.ts'
import { addChangesCommand } from './changes/changes.ts'
import { addWebhookCommand } from './changes/webhook.ts'
import { addApplyCommand } from './folder/apply.ts'
import { addExportCommand } from './folder/export.ts'
import { addAnswerFileCommand } from './images/answer-file.ts'
import { addFileCommand } from './images/file.ts'
import { addImageCommand } from './images/image.ts'
import { addRecipeCommand } from './images/recipe.ts'
import { addFindingsCommand } from './machines/findings.ts'
import { addGroupCommand } from './machines/group.ts'
import { addMachineCommand } from './machines/machine.ts'
import { addMenuCommand } from './machines/menu.ts'
import { addPolicyCommand } from './machines/policy.ts'
import { addSecretCommand } from './machines/secret.ts'
import type { CliDeps } from './shell/deps.ts'
import { addDhcpConfigCommand } from './system/dhcp-config.ts'
import { addDoctorCommand } from './system/doctor.ts'
import { addExplainCodeCommand } from './system/explain-code.ts'
import { addProxyDhcpCommand } from './system/proxy-dhcp.ts'
import { addServeCommand } from './system/serve.ts'
import { addServersCommand } from './system/servers.ts'
import { addSettingsCommand } from './system/settings.ts'

/**
 * The command line, to be run with `parseAsync`. It never ends the process. Wrong usage rejects with a CommanderError, after
 * commander has printed the fault and how to get help. A failure rejects with an Error for the operator.
 */
export function createProgram(given: CliDeps): Command {
  const command = commandName(given.env)
  const deps = { ...given, err: (text: string) => given.err(asTyped(text, command)) }
  const program = new Command('bootwright')
    .description('boot machines over the network, and explain what they boot')
    .option(
      '--url <url>',
      'admin address of the server, http://host:port (default: BOOTWRIGHT_URL, otherwise the socket in the data folder)',
    )
    .option(
      '--token <token>',
      'admin token for --url (default: BOOTWRIGHT_TOKEN, which other users of this computer cannot see)',
    )
    .option('--json', 'print the JSON of the API')
    .version(readVersion(), '--version', 'print the version')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: deps.out, writeErr: deps.err })
    .showHelpAfterError('(see --help)')
    .exitOverride()
  addServeCommand(program, deps)
  addDhcpConfigCommand(program, deps)
  addProxyDhcpCommand(program, deps)
  addSettingsCommand(program, deps)
  addMachineCommand(program, deps)
  addImageCommand(program, deps)
  addFileCommand(program, deps)
  addGroupCommand(program, deps)
  addDeploymentCommand(program, deps)
  addRolloutCommand(program, deps)
  addAnswerFileCommand(program, deps)
  addRecipeCommand(program, deps)
  addMenuCommand(program, deps)
  addSecretCommand(program, deps)
  addExplainCommand(program, deps)
  addExplainCodeCommand(program, deps)
  addPreviewCommand(program, deps)
  addNowCommand(program, deps)
  addBootsCommand(program, deps)
  addTimelineCommand(program, deps)
  addPolicyCommand(program, deps)
  addApplyCommand(program, deps)
  addExportCommand(program, deps)
  addFindingsCommand(program, deps)
  addDoctorCommand(program, deps)
  addServersCommand(program, deps)
  addChangesCommand(program, deps)
  addWebhookCommand(program, deps)
  addTokenCommand(program, deps)
  addPersonCommand(program, deps)
  return program
}
