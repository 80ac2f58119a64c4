// Runs the nights of a world through the command line, and compares the whole inventory with the model after each.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { Machine } from '../../../src/api/schemas/machines/machine.ts'
import type { Archived } from '../../../src/api/schemas/machines/sync.ts'
import { valuesByPath } from '../../../src/inventory/machines/sync/paths.ts'
import type { FieldOwner } from '../../../src/model/identity/field-owners.ts'
import type { Result } from '../operator.ts'
import { keyOf, type PlainMachine, person } from './model.ts'
import { type Owner, owners, type PersonDoes, type World } from './world.ts'

export type Cli = (...argv: string[]) => Promise<Result>

/** Synchronizes the file of an owner. Returns the seconds. */
export async function syncOwner(
  world: World,
  owner: Owner,
  { cli, folder }: { cli: Cli; folder: string },
  ...options: string[]
): Promise<{ result: Result; seconds: number }> {
  const file = join(folder, `${owner}.${owners[owner]}`)
  await writeFile(file, world.fileOf(owner))
  const start = performance.now()
  const result = await cli('machine', 'sync', file, '--owner', owner, ...options)
  return { result, seconds: (performance.now() - start) / 1000 }
}

/** Does by the command line what a person does. */
export async function doAsPerson(cli: Cli, acts: PersonDoes[]): Promise<void> {
  for (const act of acts) {
    const argv = await commandOf(cli, act)
    const result = await cli('machine', ...argv)
    expect([argv, result.exitCode, result.err]).toMatchObject([argv, 0, expect.anything()])
  }
}

async function commandOf(cli: Cli, act: PersonDoes): Promise<string[]> {
  if (act.does === 'set' || act.does === 'enter') return ['set', act.mac, '--hostname', act.hostname]
  if (act.does === 'label') return ['set', act.mac, '--label', `rack=${act.rack}`]
  if (act.does === 'deny') return ['set', act.mac, '--deny']
  if (act.does !== 'restore') return [act.does, act.mac]
  const archived = await listOf<Archived>(cli, '--archived')
  const id = archived.find((machine) => archivedKey(machine) === act.key)?.id
  return ['restore', id ?? act.key]
}

/** Compares all machines with the model. */
export async function expectWorld(world: World, cli: Cli): Promise<void> {
  const { machines, archived } = world.model.plain()
  const found = (await listOf<Machine>(cli)).map(plainOf)
  expect(byKey(found)).toEqual(byKey(machines))
  const keys = (await listOf<Archived>(cli, '--archived')).map(archivedKey)
  expect(keys.sort()).toEqual(archived.sort())
}

function archivedKey({ sources, macs }: Archived): string {
  return keyOf({ sources: sourcesOf(sources), macs: Object.fromEntries(macs.map((mac) => [mac, ''])) })
}

async function listOf<Item>(cli: Cli, ...options: string[]): Promise<Item[]> {
  const { out, err } = await cli('machine', 'list', '--json', ...options)
  if (out === '') throw new Error(err)
  return (JSON.parse(out) as { items: Item[] }).items
}

function byKey(machines: PlainMachine[]): Record<string, PlainMachine> {
  return Object.fromEntries(machines.map((machine) => [keyOf(machine), machine]))
}

function plainOf(machine: Machine): PlainMachine {
  const { macs, sources = [] } = machine
  const { machine: entry, ...byPath }: Record<string, FieldOwner> = machine.owners ?? {}
  const stale = Object.keys(byPath).filter((path) => path.startsWith('macs.') && typeof byPath[path] === 'string')
  const ofMacs = [...macs, ...stale.map((path) => path.slice(5))].map(
    (mac) => [mac, nameOf(byPath[`macs.${mac}`])] as const,
  )
  const present = valuesByPath({ ...machine, macs: undefined } as never)
  const cleared = Object.keys(byPath).filter((path) => !path.startsWith('macs.') && !present.has(path))
  const values = [
    ...[...present].map(
      ([path, value]) => [path, { value: value as string | boolean, by: nameOf(byPath[path]) }] as const,
    ),
    ...cleared.map((path) => [path, { value: undefined, by: nameOf(byPath[path]) }] as const),
  ]
  return {
    macs: Object.fromEntries(ofMacs),
    values: Object.fromEntries(values),
    sources: sourcesOf(sources),
    entry: nameOf(entry),
  }
}

function sourcesOf(sources: { owner: string; externalId?: string | undefined }[]): Record<string, string> {
  return Object.fromEntries(sources.map(({ owner, externalId = '' }) => [owner, externalId]))
}

function nameOf(owner: FieldOwner | undefined): string {
  return typeof owner === 'string' ? owner : person
}
