// The argument `<machine>`.
import { Argument, InvalidArgumentError } from 'commander'
import { formatMacHyphen, parseMac } from '../../lib/ids/mac.ts'

export const machineHelp = 'MAC address in any spelling, UUID, id or host name of the machine'

/** `<machine>`: by MAC, UUID, id or host name. */
export function machineArgument(): Argument {
  return new Argument('<machine>', machineHelp).argParser(readMachine)
}

/** Checks the form of a machine key, and normalizes a MAC address. The server finds the machine. */
export function readMachine(text: string): string {
  const name = parseMac(text) ?? text.trim()
  if (parseMac(name) === undefined && !/^[A-Za-z0-9{][A-Za-z0-9.{}-]*$/.test(name))
    throw new InvalidArgumentError('Expected a MAC address, a UUID or a host name. Example: 52:54:00:12:34:56')
  return name
}

/** A machine in a path of the API. */
export function machineInPath(machine: string): string {
  return encodeURIComponent(parseMac(machine) === undefined ? machine : formatMacHyphen(machine))
}

/** The path of a machine in the API. */
export function machinePath(machine: string): string {
  return `/machines/${machineInPath(machine)}`
}
