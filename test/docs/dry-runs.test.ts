import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { openApiOfCode } from '../../scripts/docs/api-page.ts'
import { createProgram } from '../../src/cli/program.ts'
import { repository } from '../helpers/markdown.ts'

/** Commands that only read. */
const reading =
  /^(serve|dhcp-config|proxy-dhcp|settings|explain|explain-code|preview|now|boots|timeline|export|findings|doctor|servers|changes|\S.* (list|show|versions|diff|verify|recipes|batches|conflicts|export|state|types|dead|sessions))$/

/** Commands without a dry run, each with the reason. */
const commandsWithout: Record<string, string> = {
  'image imports cancel': 'no version is added, so machines boot the same',
  'machine power set': 'how a machine is powered, not what it boots',
  'machine power unset': 'how a machine is powered, not what it boots',
  'machine power cancel': 'power requests, not what a machine boots',
  'machine forget-archived': 'an archived machine decides nothing',
  'machine release': 'who may change a field; its value stays',
  'file gc': 'it only lists without --yes, and removes no file of an image',
  'file delete': 'it removes no file of an image',
  'secret set': 'a value in an answer file, not what boots',
  'secret delete': 'a value in an answer file, not what boots',
  'rollout pause': 'no machine boots anything new',
  'rollout resume': 'the machines of the rollout, which `rollout start --dry-run` counts',
  'rollout approve': 'the next wave of the rollout, which `rollout start --dry-run` counts',
  'recipe set': 'what the next import downloads; images stay as they are',
  'recipe delete': 'what the next import downloads; images stay as they are',
  'proxy-dhcp on': 'who answers DHCP, not what is assigned',
  'proxy-dhcp off': 'who answers DHCP, not what is assigned',
}
/** Commands about people, tokens, webhooks and the servers of the network. */
const administration = /^(token|person|webhook|servers) /

/** Endpoints without a dry run, each with the reason. */
const endpointsWithout: Record<string, string> = {
  deleteArchivedMachine: 'an archived machine decides nothing',
  releaseMachine: 'who may change a field; its value stays',
  putMachineSecret: 'a value in an answer file, not what boots',
  deleteMachineSecret: 'a value in an answer file, not what boots',
  putGroupSecret: 'a value in an answer file, not what boots',
  deleteGroupSecret: 'a value in an answer file, not what boots',
  putPower: 'how a machine is powered, not what it boots',
  deletePower: 'how a machine is powered, not what it boots',
  powerMachine: 'power, not what a machine boots',
  cancelPowerRequests: 'power, not what a machine boots',
  pauseRollout: 'no machine boots anything new',
  resumeRollout: 'the machines of the rollout, which createRollout counts',
  approveRolloutWave: 'the next wave of the rollout, which createRollout counts',
  putRecipe: 'what the next import downloads; images stay as they are',
  deleteRecipe: 'what the next import downloads; images stay as they are',
  cancelImport: 'no version is added, so machines boot the same',
}
/** Endpoints about other things than what machines boot: previews, files, people, tokens, webhooks, the network. */
const otherPaths =
  /\/preview$|\/check$|^\/api\/v1\/(files|uploads|webhooks|foreign-servers|tokens|people|sessions|me|proxy-dhcp|doctor)(\/|$)/

const program = createProgram({ serve: async () => {}, env: {}, out: () => {}, err: () => {} })

function leavesOf(command: Command, words: string[] = []): { name: string; dryRun: boolean }[] {
  const inner = command.commands.flatMap((child) => leavesOf(child, [...words, child.name()]))
  const isOwn = words.length > 0 && (inner.length === 0 || command.registeredArguments.length > 0)
  const dryRun = command.options.some(({ long }) => long === '--dry-run')
  return isOwn ? [{ name: words.join(' '), dryRun }, ...inner] : inner
}

type Parameter = { in: string; name: string }
type Schema = { $ref?: string; properties?: Record<string, unknown> }
type Operation = {
  operationId: string
  parameters?: Parameter[]
  requestBody?: { content: Record<string, { schema?: Schema }> }
}

describe('a change of what machines boot has a dry run', () => {
  const commands = leavesOf(program)

  test('in the command line, or a reason', () => {
    const without = commands
      .filter(({ name, dryRun }) => !dryRun && !reading.test(name) && !administration.test(name))
      .map(({ name }) => name)
    expect(without.sort()).toEqual(Object.keys(commandsWithout).sort())
  })

  test('in the API, or a reason', async () => {
    const document = (await openApiOfCode()) as { paths: Record<string, Record<string, Operation>> }
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, operation]) =>
        method === 'get' || otherPaths.test(path) ? [] : [operation],
      ),
    )
    const without = operations
      .filter(
        ({ parameters = [] }) => !parameters.some(({ in: place, name }) => place === 'query' && name === 'dryRun'),
      )
      .map(({ operationId }) => operationId)
    expect(operations.length).toBeGreaterThan(40)
    expect(without.sort()).toEqual(Object.keys(endpointsWithout).sort())
  })

  test('in the table of the guide', () => {
    const guide = readFileSync(join(repository, 'docs/guide/automation.md'), 'utf8')
    const rows = guide.split('\n').filter((line) => line.startsWith('|'))
    const named = rows.flatMap((row) => [...row.matchAll(/`([a-z][a-z -]*)`/g)].map(([, name]) => name))
    const offered = commands.filter(({ dryRun }) => dryRun).map(({ name }) => name)
    expect(offered.filter((name) => !named.includes(name))).toEqual([])
    expect(named.filter((name) => name !== undefined && !offered.includes(name))).toEqual([])
  })
})
