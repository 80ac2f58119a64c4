// The condition of a search for machines, in SQL.

import { and, type SQL, sql } from 'drizzle-orm'
import { machines } from '../../../db/schema/machines.ts'
import { parseUuid, swapUuid } from '../../../lib/ids/uuid.ts'
import type { Arch, Platform } from '../../../model/arch.ts'
import type { Facts } from '../../../model/facts.ts'
import type { MachineState } from '../../../model/machine.ts'
import type { Condition } from '../../../model/selector.ts'
import { type MachineField, machineFields } from '../fields.ts'
import { hasTrait, likeText, type Split, splitCondition } from './selector.ts'
import { hasState } from './states.ts'

/** A search for machines; all conditions must hold. */
export type MachineSearch = {
  discovered?: boolean | undefined
  denied?: boolean | undefined
  state?: MachineState | undefined
  image?: string | undefined
  menu?: string | undefined
  hostname?: string | undefined
  serial?: string | undefined
  product?: string | undefined
  asset?: string | undefined
  uuid?: string | undefined
  /** An owner that synchronizes the machine, and the id of the machine there. */
  owner?: string | undefined
  externalId?: string | undefined
  platform?: Platform | undefined
  arch?: Arch | undefined
  /** Labels by name: their value, or null for any value. */
  labels?: Record<string, string | null> | undefined
  /** Labels that all machines must have, besides `labels`. */
  scope?: Record<string, string> | undefined
  /** Facts by name: the value that an operator entered, else the value that the machine reported. */
  facts?: Partial<Record<FactName, string>> | undefined
  /** As typed: a part of a word, or of a MAC or UUID in any spelling. */
  q?: string | undefined
  seenSince?: Date | undefined
  /** Machines never seen are among them. */
  notSeenSince?: Date | undefined
  /** The ids of machines. */
  ids?: string[] | undefined
  /** `searchMachines` tests these conditions again, because SQL tests some of them only roughly. */
  selector?: Condition[] | undefined
}

export const factNames = [
  'uuid',
  'serial',
  'product',
  'asset',
  'hostname',
  'manufacturer',
  'platform',
  'buildarch',
  'cpuarch',
  'version',
  'ip',
] as const satisfies (keyof Facts)[]
export type FactName = (typeof factNames)[number]

const minMacDigits = 4
const minUuidDigits = 8

/** What a machine must fulfil; undefined if every machine does. */
export function conditionOf(search: MachineSearch): SQL | undefined {
  const { narrow, wide } = splitSearch(search)
  return and(narrow && sql`${machines.id} in (select machine_id from machine_search where ${narrow})`, wide)
}

/** A search in two parts: `narrow` reads only the table of the search, and `wide` the rows of machines. */
export function splitSearch(search: MachineSearch): Split {
  const { state, q, uuid, ids, labels = {}, scope = {}, facts = {}, seenSince, notSeenSince } = search
  const traits = (['image', 'menu', 'platform', 'arch', 'discovered', 'denied'] as const).map((name) =>
    search[name] === undefined ? {} : { narrow: hasTrait(`${name}=${search[name]}`) },
  )
  const labelled = [...Object.entries(labels), ...Object.entries(scope)].map(([name, value]) => ({
    narrow: value === null ? sql`traits like ${`%\nlabel.${likeText(name)}=%`}` : hasTrait(`label.${name}=${value}`),
  }))
  const entered = { serial: search.serial, product: search.product, asset: search.asset, ...facts }
  const all: Split[] = [
    ...(q === undefined ? [] : [{ narrow: typed(q) }]),
    ...traits,
    ...labelled,
    ...Object.entries(entered).flatMap(([name, value]) => (value === undefined ? [] : [hasFact(name, value)])),
    ...(search.hostname === undefined ? [] : [{ wide: sql`${machines.hostname} = ${search.hostname}` }]),
    ...(uuid === undefined ? [] : [{ narrow: hasUuid(uuid) }]),
    ...(search.owner === undefined && search.externalId === undefined ? [] : [{ narrow: hasSource(search) }]),
    ...(state === undefined ? [] : [hasState(state)]),
    ...(ids === undefined
      ? []
      : [
          {
            narrow: sql`machine_id in (select value::uuid from jsonb_array_elements_text(${JSON.stringify(ids)}::jsonb))`,
          },
        ]),
    seenSince === undefined ? {} : { wide: sql`${machines.lastSeenAt} >= ${seenSince.toISOString()}::timestamptz` },
    notSeenSince === undefined
      ? {}
      : {
          wide: sql`(${machines.lastSeenAt} < ${notSeenSince.toISOString()}::timestamptz or ${machines.lastSeenAt} is null)`,
        },
    ...(search.selector ?? []).map(splitCondition),
  ]
  return { narrow: and(...all.map(({ narrow }) => narrow)), wide: and(...all.map(({ wide }) => wide)) }
}

/** The entered value, else the reported one. Values that many machines share are traits. */
function hasFact(name: string, value: string): Split {
  if (['product', 'manufacturer', 'platform', 'buildarch', 'cpuarch', 'version'].includes(name))
    return { narrow: hasTrait(`fact.${name}=${value}`) }
  const entered = name in machineFields ? sql`${machines[name as keyof typeof machines & MachineField]}` : sql`null`
  const wide = sql`coalesce(${entered}, ${machines.facts} ->> ${name}) = ${value}`
  return name === 'uuid' ? { wide } : { narrow: sql`words like lower(${`%\n${likeText(value)}\n%`})`, wide }
}

function hasSource({ owner, externalId }: MachineSearch): SQL {
  const conditions = and(
    owner === undefined ? undefined : sql`owner = ${owner}`,
    externalId === undefined ? undefined : sql`external_id = ${externalId}`,
  )
  return sql`machine_id in (select s.machine_id from machine_sources as s where ${conditions})`
}

/** A part of a word, or of a MAC or UUID in any spelling, or the id of a machine. */
function typed(q: string): SQL {
  const word = sql`words like lower(${`%${likeText(q)}%`})`
  const digits = q.toLowerCase().replaceAll(/[:.{}-]/g, '')
  if (!/^[0-9a-f]{1,32}$/.test(digits)) return word
  const uuid = parseUuid(q)
  // A few digits are a part of many MACs, and of most UUIDs.
  const macs = digits.length >= minMacDigits || q.includes(':') ? sql`or macs like ${`%${digits}%`}` : sql``
  const uuids = digits.length >= minUuidDigits ? sql`or uuids like ${`%${digits}%`}` : sql``
  const whole = uuid === undefined ? sql`` : sql`or ${hasUuid(uuid)} or machine_id = ${uuid}::uuid`
  return sql`(${word} ${macs} ${uuids} ${whole})`
}

/** In either byte order. The entered UUID, else the reported one. */
function hasUuid(uuid: string): SQL {
  const pattern = (text: string) => `\n${text.replaceAll('-', '')}\n%`
  return sql`(uuids like ${pattern(uuid)} or uuids like ${pattern(swapUuid(uuid))})`
}
