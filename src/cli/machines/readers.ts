// Readers of the options of machines.
import { InvalidArgumentError } from 'commander'
import { type Mac, parseMac } from '../../lib/ids/mac.ts'
import { collect } from '../shell/deps.ts'

function readMac(text: string): Mac {
  const mac = parseMac(text)
  if (mac === undefined) throw new InvalidArgumentError('Expected a MAC address. Example: 52:54:00:12:34:56')
  return mac
}

export function collectMac(text: string, before: Mac[] | undefined): Mac[] {
  return collect(readMac(text), before)
}

export function collectLabel(text: string, before: string[] | undefined): string[] {
  if (!/^[^=]+(=|$)/.test(text)) throw new InvalidArgumentError('Expected KEY=VALUE. Example: rack=b4')
  return collect(text, before)
}
