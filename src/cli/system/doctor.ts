// `bootwright doctor`.
import { type Command, InvalidArgumentError } from 'commander'
import type { Machine } from '../../api/schemas/machines/machine.ts'
import type { DoctorAbout, DoctorReport } from '../../api/schemas/system/doctor.ts'
import { type Finding, fault, worstState } from '../../doctor/finding.ts'
import { probeInterface, whichDevices } from '../../doctor/network/interface.ts'
import { codesOfFacts } from '../../doctor/network/probe.ts'
import { messageOf } from '../../lib/errors.ts'
import { parseMac } from '../../lib/ids/mac.ts'
import { createLog } from '../../lib/log.ts'
import { formatCount } from '../../lib/text/format.ts'
import { findings as meanings } from '../../model/findings/table.ts'
import { findFirmwareKind, firmwareKinds } from '../../model/firmware/kinds.ts'
import { machineInPath } from '../machines/argument.ts'
import { ConnectionError } from '../shell/client.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { parseCount } from '../shell/numbers.ts'
import { runPassive } from './doctor-passive.ts'

type Options = {
  interface?: string
  firmware?: number[]
  machine?: string
  passive?: true
  seconds?: number
}

/** `bootwright doctor`. */
export function addDoctorCommand(program: Command, deps: CliDeps): void {
  program
    .command('doctor')
    .description('check why machines do not boot: the server, DHCP, TFTP, HTTP and files')
    .option('--interface <name>', 'network interface of this computer to probe, instead of those of the server')
    .option(
      '--firmware <kinds>',
      'kinds of firmware, comma-separated: bios, uefi, http, arm64, or codes of option 93',
      parseFirmware,
    )
    .option('--machine <mac>', 'MAC address of a machine: show all evidence for it', parseMacAddress)
    .option('--passive', 'listen only, and explain what machines and servers say by DHCP')
    .option('--seconds <number>', 'seconds to listen with --passive, instead of until Ctrl-C', parseCount)
    .addHelpText('after', '\nExit code: 0 without errors, 1 with a finding of the state error, 2 for wrong usage.')
    .action(async (options: Options, command: Command) => {
      const { interface: device, seconds, machine: mac } = options
      if (options.passive) {
        if (device === undefined) return command.error('error: expected --interface NAME with --passive')
        return runPassive(command, deps, { device, seconds, mac })
      }
      if (seconds !== undefined) command.error('error: expected --passive with --seconds')
      const report = await examine(command, deps, options)
      print(command, deps, report, formatReport)
      if (report.state === 'error') deps.setExitCode?.(1)
    })
}

async function examine(command: Command, deps: CliDeps, options: Options): Promise<DoctorReport> {
  const { interface: device, firmware, machine: mac } = options
  const startedAt = new Date().toISOString()
  const started = performance.now()
  const { about, facts, findings: server } = await askServer(command, deps, options)
  const codes = firmware ?? codesOfFacts(facts ?? {})
  const network =
    device === undefined
      ? []
      : await probeInterface({ device, server: about, codes, mac, log: createLog('silent', process.stderr) })
  const findings = [...server, ...network]
  const durationMs = Math.round(performance.now() - started)
  return { startedAt, durationMs, state: worstState(findings), findings }
}

/** The checks of the server. Without a server, one finding says so. */
async function askServer(
  command: Command,
  deps: CliDeps,
  { interface: device, firmware, machine: mac }: Options,
): Promise<{ about?: DoctorAbout; facts?: Machine['facts'] | undefined; findings: Finding[] }> {
  try {
    const client = clientOf(command, deps)
    const about = await client.ask<DoctorAbout>('GET', '/doctor')
    const machine = mac === undefined ? undefined : await client.find<Machine>(`/machines/${machineInPath(mac)}`)
    const request = {
      network: device === undefined,
      ...(firmware !== undefined && { firmware }),
      ...(mac !== undefined && { mac }),
    }
    const { findings } = await client.ask<DoctorReport>('POST', '/doctor', request)
    const untested =
      device === undefined && about.interfaces.length === 0
        ? [
            fault({ check: 'network probe', where: 'this network' }, 'BW-PROBE', 'no interface was named', {
              state: 'unknown',
              todo: whichDevices(),
            }),
          ]
        : []
    return {
      about,
      facts: machine?.facts,
      findings: [...checkClock(about.now), ...(findings as Finding[]), ...untested],
    }
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error
    return { findings: [fault({ check: 'server', where: 'the admin address' }, 'BW-SERVER', messageOf(error))] }
  }
}

const maxDifferenceMs = 60_000

/** The clocks of this computer and of the server. */
function checkClock(serverTime: string): Finding[] {
  const seconds = Math.round(Math.abs(Date.now() - Date.parse(serverTime)) / 1000)
  if (seconds * 1000 < maxDifferenceMs) return []
  const subject = { check: 'clock', where: 'this computer and the server' }
  return [fault(subject, 'BW-CLOCK', `the clocks differ by ${seconds} s`, { state: 'warning' })]
}

function parseMacAddress(text: string): string {
  const mac = parseMac(text)
  if (mac === undefined) throw new InvalidArgumentError('Expected a MAC address. Example: 52:54:00:12:34:56')
  return mac
}

const names: Record<string, number[]> = { bios: [0], uefi: [7], http: [16], arm64: [11] }

function parseFirmware(text: string): number[] {
  return text.split(',').flatMap((word) => {
    const codes = names[word.trim().toLowerCase()] ?? [/^\d{1,5}$/.test(word.trim()) ? Number(word) : -1]
    if (codes.some((code) => findFirmwareKind(code) === undefined))
      throw new InvalidArgumentError(
        `Expected ${Object.keys(names).join(', ')}, or one of ${firmwareKinds.map(({ code }) => code).join(', ')}.`,
      )
    return codes
  })
}

const marks = { ok: 'ok     ', warning: 'WARNING', error: 'ERROR  ', unknown: 'unknown' }
const indent = ' '.repeat(9)

/** The check list: a line for each check, and for each problem its code, its title and the next steps. */
export function formatReport({ findings, durationMs }: DoctorReport): string {
  const lines = findings.flatMap(({ check, state, code, where, seen, todo }) => [
    `${marks[state]}  ${check} (${where}): ${seen}`,
    ...(code === undefined ? [] : [`${indent}${code}: ${meanings[code].title}`]),
    ...(state === 'ok' ? [] : todo.map((step) => `${indent}- ${step.replaceAll('`', '')}`)),
  ])
  const count = (state: Finding['state']) => findings.filter((finding) => finding.state === state).length
  const problems = [formatCount(count('error'), 'error'), formatCount(count('warning'), 'warning')]
  const counts = [...problems, `${count('unknown')} unknown`]
  const summary = `${formatCount(findings.length, 'check')} in ${(durationMs / 1000).toFixed(1)} s: ${counts.join(', ')}`
  return [...lines, '', summary].join('\n')
}
