// Numbers on the command line.
import { InvalidArgumentError } from 'commander'

/** Parses a maximum number. @throws InvalidArgumentError */
export function parseCount(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError('Expected a number from 1 to 9999999.')
  return Number(text)
}

/** Parses the version number of an image or an answer file. @throws InvalidArgumentError */
export function parseVersion(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Expected a version number. Example: 2')
  return Number(text)
}
