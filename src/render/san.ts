// iSCSI targets and their CHAP settings. Pure.
import { type FieldFault, InputError } from '../lib/errors.ts'
import type { SanSpec } from '../model/decision.ts'
import { fillText, missingOf } from './liquid.ts'
import type { Names } from './names.ts'
import { wordFault } from './words.ts'

const open = ['machine', 'params', 'image', 'boot']

/** Names for the texts of a SAN: anyone who knows a MAC can fetch the script with the target, but not the user names. */
export const sanRoots = { open, withSecrets: [...open, 'secrets'] }

/** The settings that iPXE needs before it opens a target (https://ipxe.org/cfg) in order, each one word. */
export type San = { target: string; settings: { name: string; value: string }[] }

/**
 * `iscsi:SERVER:PROTOCOL:PORT:LUN:NAME`, all but server and name possibly empty; an IPv6 address in brackets (RFC 4173,
 * 5).
 */
const iscsiTarget = /^iscsi:(\[[0-9a-f:.]+\]|[^:[\]]+):[^:]*:\d*:[0-9a-f-]*:(iqn|eui|naa)\.\S+$/i

/**
 * A target with its Liquid filled in, and with what proves who the machine is where `names` has the secrets.
 * @throws InputError that names every fault, and never contains a secret
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
    faults.push({ field, value, expected: `one word for iPXE: ${fault}` })
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

/** iPXE's commands take a word that begins with a dash for an option. */
function settingFault(value: string): string | undefined {
  return value.startsWith('-') ? 'not beginning with -' : wordFault(value)
}

function expectedSecret(value: string | undefined, fault: string): string {
  return value === undefined ? 'a secret that is set' : `one word for an iPXE script: ${fault}`
}
