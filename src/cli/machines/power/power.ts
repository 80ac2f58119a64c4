// `bootwright machine power`.
import { Argument, type Command, Option } from 'commander'
import type { PowerCancelled, PowerPut, PowerRequest, PowerView } from '../../../api/schemas/machines/power.ts'
import { type CliDeps, clientOf, print } from '../../shell/deps.ts'
import { formatTime } from '../../shell/format.ts'
import { readInput } from '../../shell/json-file.ts'
import { parseCount } from '../../shell/numbers.ts'
import { formatFields, formatTable } from '../../shell/table.ts'
import { machineArgument, machineHelp, machineInPath, readMachine } from '../argument.ts'
import { addPowerActionCommands } from './actions.ts'
import { formatRequest } from './words.ts'

type SetOptions = {
  wakeOnLan?: true
  redfish?: string
  username?: string
  system?: string
  tlsFingerprint?: string
  insecure?: true
  anyIdentity?: true
  keepPassword?: true
}

/** `bootwright machine power`. */
export function addMachinePowerCommand(machine: Command, deps: CliDeps): void {
  const power = machine.command('power').description('switch machines on and off, by Wake-on-LAN or Redfish')
  addPowerActionCommands(power, deps)

  power
    .command('set')
    .description('set how a machine is powered; with --redfish, the password is read from standard input')
    .addArgument(machineArgument())
    .addOption(new Option('--wake-on-lan', 'wake by magic packets, which can only switch on').conflicts('redfish'))
    .option('--redfish <url>', 'URL of the BMC of the machine, https://HOST[:PORT]')
    .option('--username <name>', 'with --redfish: user of the BMC')
    .option('--system <id>', 'with --redfish: id or path of the computer system, if the BMC has several')
    .addOption(
      new Option('--tls-fingerprint <sha256>', 'with --redfish: fingerprint of the certificate of the BMC').conflicts(
        'insecure',
      ),
    )
    .option('--insecure', 'with --redfish: accept any certificate')
    .option('--any-identity', 'with --redfish: also power a system with the UUID of another machine')
    .option('--keep-password', 'with --redfish: keep the stored password, for the same URL and user')
    .action(async (named: string, options: SetOptions, command: Command) => {
      const body = await settingOf(options, command, deps)
      const path = `/machines/${machineInPath(named)}/power`
      print(command, deps, await clientOf(command, deps).ask<PowerView>('PUT', path, body), formatPower)
    })

  power
    .command('show')
    .description('show how a machine is powered, and its newest power request')
    .addArgument(machineArgument())
    .action(async (named: string, _options, command: Command) => {
      const path = `/machines/${machineInPath(named)}/power`
      print(command, deps, await clientOf(command, deps).ask<PowerView>('GET', path), formatPower)
    })

  power
    .command('unset')
    .description('delete how a machine is powered, with the password')
    .addArgument(machineArgument())
    .action(async (named: string, _options, command: Command) => {
      await clientOf(command, deps).ask('DELETE', `/machines/${machineInPath(named)}/power`)
      deps.err(`power setting of ${named} deleted\n`)
    })

  power
    .command('list')
    .description('list power requests, newest first')
    .option('--machine <machine>', machineHelp, readMachine)
    .option('--batch <id>', 'batch that an action with --where printed')
    .option('--state <state>', 'waiting, running, done, failed or cancelled')
    .option('--limit <n>', 'maximum number of results', parseCount, 20)
    .action(
      async (
        { limit, ...query }: { machine?: string; batch?: string; state?: string; limit: number },
        command: Command,
      ) => {
        const items = await clientOf(command, deps).list<PowerRequest>('/power-requests', query, 'before', limit)
        print(command, deps, { items }, () =>
          formatTable(
            ['CREATED', 'MACHINE', 'ACTION', 'STATE', 'POWER', 'BY', 'RESULT', 'ID'],
            items.map((row) => [
              formatTime(row.createdAt),
              row.machine ?? row.machineId,
              row.action,
              row.state,
              row.power ?? '',
              row.askedBy,
              row.message ?? '',
              row.id,
            ]),
          ),
        )
      },
    )

  power
    .command('cancel')
    .description('cancel power requests that no server has begun')
    .addArgument(new Argument('[id]', 'id of the request, as listed'))
    .option('--batch <id>', 'batch that an action with --where printed')
    .action(async (id: string | undefined, { batch }: { batch?: string }, command: Command) => {
      if ((id === undefined) === (batch === undefined)) command.error('error: expected an id or --batch, not both')
      const body = { ...(id !== undefined && { id }), ...(batch !== undefined && { batch }) }
      const done = await clientOf(command, deps).ask<PowerCancelled>('POST', '/power-requests/cancel', body)
      print(command, deps, done, ({ cancelled }) =>
        [`${cancelled.length} power requests cancelled`, ...cancelled.map(formatRequest)].join('\n'),
      )
    })
}

async function settingOf(options: SetOptions, command: Command, deps: CliDeps): Promise<PowerPut> {
  const { wakeOnLan, redfish, username, system, tlsFingerprint, insecure, anyIdentity, keepPassword } = options
  if ((wakeOnLan === undefined) === (redfish === undefined))
    command.error('error: expected --wake-on-lan or --redfish URL, not both')
  if (redfish === undefined) return { kind: 'wake-on-lan' }
  if (username === undefined) return command.error('error: expected --username with --redfish')
  const password = keepPassword ? undefined : (await readInput(deps, '-')).replace(/\r?\n$/, '')
  return {
    ...{ kind: 'redfish', url: redfish, username },
    ...(system !== undefined && { system }),
    ...(password !== undefined && { password }),
    verifyTls: insecure ? false : (tlsFingerprint ?? true),
    checkIdentity: anyIdentity !== true,
  }
}

function formatPower({ kind, url, system, username, verifyTls, checkIdentity, actions, last }: PowerView): string {
  const tls = verifyTls === true ? 'verified' : verifyTls === false ? 'any certificate' : verifyTls
  return formatFields({
    ...{ kind, url, system, user: username, certificate: tls },
    identity: checkIdentity === undefined ? undefined : checkIdentity ? 'checked' : 'not checked',
    actions: actions.join(', '),
    last: last === undefined ? undefined : `${formatTime(last.createdAt)} ${formatRequest(last)}`,
  })
}
