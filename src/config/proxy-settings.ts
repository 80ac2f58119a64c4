// The texts of the settings of proxyDHCP.
import { isIP } from 'node:net'
import { isSubnet } from '../lib/subnet.ts'
import { type ProxyMode, proxyModes } from '../model/assignment.ts'
import { listOf, type Setting, setting } from './setting.ts'

/** Names of interfaces. Linux allows 15 bytes without white space and slashes (net/core/dev.c, dev_valid_name). */
export function parseInterfaces(text: string): string[] | undefined {
  const names = [...new Set(listOf(text))]
  return names.every((name) => /^[^\s/:]{1,15}$/.test(name)) ? names : undefined
}

/** Parses `10.1.0.0/16=pxe10,…`. */
export function parseSubnetModes(text: string): { subnet: string; mode: ProxyMode }[] | undefined {
  const modes = listOf(text).map((part) => {
    const [subnet = '', name] = part.split('=')
    const mode = proxyModes.find((other) => other === name)
    return mode !== undefined && isSubnet(subnet) && isIP(subnet.split('/')[0] ?? '') === 4
      ? { subnet, mode }
      : undefined
  })
  return modes.every((mode) => mode !== undefined) ? modes : undefined
}

/** MACs, or their first bytes, with colons or hyphens: in lower case with colons. */
export function macPrefixes(name: string, meaning: string): Setting<string[]> {
  return setting(name, '', meaning, 'comma-separated MACs, or their first bytes such as 52:54:00', (text) => {
    const list = listOf(text).map((part) => part.toLowerCase().replaceAll('-', ':'))
    return list.every((part) => /^[0-9a-f]{2}(:[0-9a-f]{2}){0,5}$/.test(part)) ? list : undefined
  })
}
