// Options of commands that arm machines and power them.
import { Option } from 'commander'
import type { ArmedPower } from '../../model/power/power.ts'

export type PowerOptions = { powerOn?: true; powerCycle?: true }

/** `--power-on`. */
export function powerOnOption(): Option {
  return new Option('--power-on', 'then switch the machines on').conflicts('powerCycle')
}

/** `--power-cycle`. */
export function powerCycleOption(): Option {
  return new Option(
    '--power-cycle',
    'then boot the machines from the network: set their next boot, and restart them',
  ).conflicts('powerOn')
}

/** The power of a request; nothing without an option. */
export function powerOf({ powerOn, powerCycle }: PowerOptions): { power?: ArmedPower } {
  return { ...(powerOn && { power: 'on' as const }), ...(powerCycle && { power: 'cycle' as const }) }
}
