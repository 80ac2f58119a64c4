// Renders iSCSI targets and their CHAP settings. Pure.
import { type FieldFault, InputError } from '../lib/errors.ts'
import type { SanSpec } from '../model/decision.ts'
import { fillText, missingOf } from './liquid.ts'
import type { Names } from './names.ts'
import { wordFault } from './words.ts'

const open = ['machine', 'params', 'image', 'boot']

/** Names for the texts of a SAN. Anyone who knows a MAC can fetch the script with the target, so only user names may use secrets. */
export const sanRoots = { open, withSecrets: [...open, 'secrets'] }

/** A target, and the iPXE settings (https://ipxe.org/cfg) that must be set before it opens, each a single word. */
export type San = { target: string; settings: { name: string; value: string }[] }

/** `iscsi:SERVER:PROTOCOL:PORT:LUN:NAME`, where only SERVER and NAME are required, and IPv6 addresses have brackets (RFC 4173, 5). */
const iscsiTarget = /^iscsi:(\[[0-9a-f:.]+\]|[^:[\]]+):[^:]*:\d*:[0-9a-f-]*:(iqn|eui|naa)\.\S+$/i

/**
 * Renders a target. The CHAP settings are included only if `names` has the secrets.
 * @throws InputError that lists all faults, without the values of secrets
 */
export function renderSan({ target, initiator, chap }: SanSpec, names: Names): San {
  const faults: FieldFault[] = []
  const missing: string[] = []
  const { secrets = {} } = names
  const fill = (field: string, text: string, values: object, visible = (value: string) => value): string => {
    const filled = fillText(text, values)
    if ('faults' in filled) missing.push(...missingOf(filled.faults))
    const fault =
      'faults' in filled ? filled.faults.map(({ message }) => message).join('; ') : settingFault(filled.text)
    if (fault === undefined && 'text' in filled) return filled.text
    const value = 'text' in filled ? visible(filled.text) : text
    faults.push({ field, value, expected: `a single word for iPXE: ${fault}` })
    return ''
  }
  const secret = (name: string): string => {
    const value = Object.hasOwn(secrets, name) ? secrets[name] : undefined
    const fault = value === undefined ? 'that is set' : settingFault(value)
    if (value === undefined) missing.push(`secrets.${name}`)
    if (fault !== undefined)
      faults.push({ field: `secret ${name}`, value: '********', expected: expectedSecret(value, fault) })
    return value ?? ''
  }

  const open = { ...names, secrets: {} }
  const address = fill('target', target, open)
  if (address !== '' && !iscsiTarget.test(address))
    faults.push({ field: 'target', value: address, expected: 'iscsi:SERVER:PROTOCOL:PORT:LUN:IQN' })
  const settings = initiator === undefined ? [] : [{ name: 'initiator-iqn', value: fill('initiator', initiator, open) }]
  if (chap !== undefined && names.secrets !== undefined) {
    const user = (field: string, text: string) => fill(field, text, { ...names, secrets }, () => '********')
    settings.push({ name: 'username', value: user('chap.username', chap.username) })
    settings.push({ name: 'password', value: secret(chap.password) })
    if (chap.reverse !== undefined) {
      settings.push({ name: 'reverse-username', value: user('chap.reverse.username', chap.reverse.username) })
      settings.push({ name: 'reverse-password', value: secret(chap.reverse.password) })
    }
  }
  if (faults.length > 0) throw new InputError(faults, missing)
  return { target: address, settings }
}

/** iPXE's commands parse a word that begins with a dash as an option. */
function settingFault(value: string): string | undefined {
  return value.startsWith('-') ? 'not beginning with -' : wordFault(value)
}

function expectedSecret(value: string | undefined, fault: string): string {
  return value === undefined ? 'a secret that is set' : `a single word for an iPXE script: ${fault}`
}
