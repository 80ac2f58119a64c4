// A setting: its environment variable, its default, its meaning and its parser.
import { isBaseUrl, isHost } from '../lib/base-url.ts'
import { asSubnet, isSubnet } from '../lib/subnet.ts'

/** An environment variable, and how its text becomes a value. */
export type Setting<T> = {
  name: string
  /** The text to parse if the variable is unset or empty. If this is undefined too, the setting has no value. */
  fallback: string | undefined
  /** A noun phrase with its unit, for `serve --help` and docs/reference/settings.md. */
  meaning: string
  /** The valid texts, in words. Errors print this after "expected". */
  expected: string
  /** Returns undefined for an invalid text. @param given false if the text is the fallback */
  parse: (text: string, given: boolean) => T | undefined
  /** Set if errors must not print the value. */
  secret?: true
  /** Set if other programs use the same variable. The variable's lower-case form, which is common, has priority. */
  shared?: true
}

/**
 * A host and a port to listen on. If the operator named them (`explicit`), a server that cannot listen there does not
 * start.
 */
export type Listen = { host: string; port: number; explicit: boolean }

export function setting<T>(
  name: string,
  fallback: string,
  meaning: string,
  expected: string,
  parse: Setting<T>['parse'],
): Setting<T> {
  return { name, fallback, meaning, expected, parse }
}

/** A setting without a default: its value is undefined if the variable is unset. */
export function optional<T>(
  name: string,
  meaning: string,
  expected: string,
  parse: Setting<T>['parse'],
): Setting<T | undefined> {
  return { name, fallback: undefined, meaning, expected, parse }
}

/** Marks a setting as secret: errors do not print its value. */
export function secret<T>(from: Setting<T>): Setting<T> {
  return { ...from, secret: true }
}

/** Marks a setting as shared with other programs: its name in lower case is read too. */
export function shared<T>(from: Setting<T>): Setting<T> {
  return { ...from, shared: true }
}

export function whole(
  name: string,
  fallback: number,
  range: { min: number; max: number },
  meaning: string,
): Setting<number> {
  return setting(name, String(fallback), meaning, rangeText(range), (text) => parseWhole(text, range))
}

export function optionalWhole(
  name: string,
  range: { min: number; max: number },
  meaning: string,
): Setting<number | undefined> {
  return optional(name, meaning, rangeText(range), (text) => parseWhole(text, range))
}

export function yesNo(name: string, fallback: 'yes' | 'no', meaning: string): Setting<boolean> {
  const values: Record<string, boolean> = { yes: true, true: true, no: false, false: false }
  return setting(name, fallback, meaning, 'yes or no', (text) => values[text])
}

export function choice<T extends string>(
  name: string,
  fallback: T,
  choices: readonly T[],
  meaning: string,
): Setting<T> {
  return setting(name, fallback, meaning, choices.join(', '), (text) => choices.find((value) => value === text))
}

export function subnets(name: string, meaning: string): Setting<string[]> {
  const expected = 'comma-separated subnets such as 10.0.0.0/8'
  return setting(name, '', meaning, expected, (text) => parseSubnets(listOf(text)))
}

/** Subnets and single addresses. */
export function addresses(name: string, meaning: string): Setting<string[]> {
  const expected = 'comma-separated addresses or subnets such as 10.0.0.5,192.168.1.0/24'
  return setting(name, '', meaning, expected, (text) => parseSubnets(listOf(text).map(asSubnet)))
}

export function listen(name: string, fallback: string, meaning: string): Setting<Listen> {
  return setting(name, fallback, meaning, 'host:port', parseListen)
}

export function parseListen(text: string, explicit: boolean): Listen | undefined {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:\s]+)):(\d{1,5})$/i.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = parseWhole(match?.[3] ?? '', { min: 0, max: 65_535 })
  return host !== undefined && port !== undefined ? { host, port, explicit } : undefined
}

/** Comma-separated host names, without ports. */
export function parseHosts(text: string): string[] | undefined {
  const hosts = text
    .split(',')
    .map((host) => host.trim().toLowerCase())
    .filter(Boolean)
  return hosts.every((host) => isHost(host) && !host.includes(':')) ? hosts : undefined
}

export function parseBaseUrl(text: string): string | undefined {
  const url = text.replace(/\/$/, '')
  return isBaseUrl(url) ? url : undefined
}

/** Parses `name=http://host/path,…` into URLs by name, without a slash at the end of a URL. */
export function parseMirrors(text: string): Record<string, string> | undefined {
  const parts = listOf(text).map((part) => /^([a-z0-9][a-z0-9-]*)=(https?:\/\/\S+?)\/*$/.exec(part))
  return parts.every((part) => part !== null && URL.canParse(part[2] ?? ''))
    ? Object.fromEntries(parts.map((part) => [part?.[1], part?.[2]]))
    : undefined
}

// curl also reads a proxy without a scheme as an http proxy.
export function parseProxy(text: string): string | undefined {
  const url = text === '' || /^[a-z]+:\/\//i.test(text) ? text : `http://${text}`
  return url === '' || (/^https?:/i.test(url) && URL.canParse(url)) ? url : undefined
}

/** Returns a parser that accepts the texts of a pattern, unchanged. */
export function matching(pattern: RegExp): (text: string) => string | undefined {
  return (text) => (pattern.test(text) ? text : undefined)
}

function rangeText({ min, max }: { min: number; max: number }): string {
  return `a whole number from ${min} to ${max}`
}

function parseWhole(text: string, { min, max }: { min: number; max: number }): number | undefined {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  return value >= min && value <= max ? value : undefined
}

function parseSubnets(list: string[]): string[] | undefined {
  return list.every(isSubnet) ? list : undefined
}

/** The parts of a comma-separated list. */
export function listOf(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter(Boolean)
}
