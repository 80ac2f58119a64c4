// The settings of a server, parsed once from the environment. server/ passes to each room the settings that it needs.
import { ConfigError, quote } from '../lib/errors.ts'
import { commandName } from '../lib/typed-command.ts'
import { type CurrentSetting, currentSetting } from './current-settings.ts'
import type { Setting } from './setting.ts'
import { settings } from './settings.ts'

type ValuesOf<Tree> = { [Key in keyof Tree]: Tree[Key] extends Setting<infer T> ? T : never }

/** The value of every setting, by room. */
export type Config = { [Room in keyof typeof settings]: ValuesOf<(typeof settings)[Room]> } & {
  /** The name of the command line, as operators type it in this installation. */
  command: string
  /** Every setting with its value as text, for operators. */
  listed: CurrentSetting[]
}

// Variables of the command line (cli/shell/client.ts) and of scripts/setup. The server ignores them.
const foreignSettings = ['BOOTWRIGHT_URL', 'BOOTWRIGHT_TOKEN', 'BOOTWRIGHT_NO_APT']

/** Every setting, in the order of the table. */
export function listSettings(): Setting<unknown>[] {
  return Object.values(settings).flatMap((room) => Object.values<Setting<unknown>>(room))
}

/**
 * Parses the environment into settings. Pure.
 * @throws ConfigError that names every fault: the setting, its value and what was expected, and every unknown setting
 * that begins with BOOTWRIGHT_
 */
export function loadConfig(env: Record<string, string | undefined>): Config {
  const faults = unknownSettings(env)
  const values = Object.entries(settings).map(([room, table]) => {
    const read = Object.entries<Setting<unknown>>(table).map(([key, setting]) => [
      key,
      readSetting(env, setting, faults),
    ])
    return [room, Object.fromEntries(read)]
  })
  const listed = listSettings().map((setting) => currentSetting(setting, givenText(env, setting)))
  const config = { ...Object.fromEntries(values), command: commandName(env), listed } as Config
  if (faults.length === 0) faults.push(...contradictions(config))
  if (faults.length > 0) throw new ConfigError(faults.join('\n'))
  return config
}

function unknownSettings(env: Record<string, string | undefined>): string[] {
  const names = new Set([...listSettings().map(({ name }) => name), ...foreignSettings])
  return Object.keys(env)
    .filter((name) => name.startsWith('BOOTWRIGHT_') && !names.has(name))
    .map((name) => `${name}: unknown setting. To list all settings: bootwright serve --help`)
}

function readSetting<T>(env: Record<string, string | undefined>, setting: Setting<T>, faults: string[]): T | undefined {
  const { name, fallback, expected, parse, secret } = setting
  const given = givenText(env, setting)
  const text = given ?? fallback
  if (text === undefined) return undefined
  const value = parse(text, given !== undefined)
  // Errors print neither a secret nor a password in a URL.
  const printed = secret || /\/\/[^/]*@/.test(text) ? '"***"' : quote(text)
  if (value === undefined) faults.push(`${name}: expected ${expected}, got ${printed}`)
  return value
}

/** The text of a setting in the environment; undefined if it is unset or empty. */
function givenText(env: Record<string, string | undefined>, { name, shared }: Setting<unknown>): string | undefined {
  const lower = shared && env[name.toLowerCase()]
  return (lower ?? env[name])?.trim() || undefined
}

/** Faults of settings that are valid alone, but contradict each other. */
function contradictions(config: Config): string[] {
  return [...storeContradictions(config), ...fileContradictions(config), ...oidcContradictions(config)]
}

function oidcContradictions({ oidc, admin }: Config): string[] {
  const { issuer, clientId, roles } = settings.oidc
  if (oidc.issuer === undefined) {
    const given = oidc.clientId !== undefined || Object.keys(oidc.roles).length > 0
    return given
      ? [`${issuer.name}: expected ${issuer.expected}, because other settings of OpenID Connect are set`]
      : []
  }
  const missing = [
    ...(oidc.clientId === undefined ? [clientId] : []),
    ...(Object.keys(oidc.roles).length === 0 ? [roles] : []),
    ...(admin.url === undefined ? [settings.admin.url] : []),
  ]
  return missing.map(({ name, expected }) => `${name}: expected ${expected}, because ${issuer.name} is set`)
}

function fileContradictions({ sending }: Config): string[] {
  const { listen, workers, url } = settings.sending
  if (sending.listen !== undefined) return []
  const given = sending.workers > 0 ? workers : url
  return sending.workers > 0 || sending.url !== undefined
    ? [
        `${listen.name}: expected ${listen.expected}, because ${given.name} is set. Example: ${listen.name}=0.0.0.0:8082`,
      ]
    : []
}

function storeContradictions({ s3, sending }: Config): string[] {
  if (s3.place === undefined) return []
  const { place } = settings.s3
  const missing = (['accessKey', 'secretKey'] as const).filter((key) => s3[key] === undefined)
  const faults = missing.map((key) => {
    const { name, expected } = settings.s3[key]
    return `${name}: expected ${expected}, because ${place.name} is set`
  })
  if (sending.workers > 0)
    faults.push(
      `BOOTWRIGHT_FILE_WORKERS: expected 0, because ${place.name} is set. ` +
        'To let machines download directly from the object store: BOOTWRIGHT_S3_REDIRECT=yes',
    )
  return faults
}
