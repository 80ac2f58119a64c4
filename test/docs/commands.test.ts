import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { createProgram } from '../../src/cli/program.ts'
import { listMarkdownFiles, listShownCommands, repository } from '../helpers/markdown.ts'

const documented = listMarkdownFiles().flatMap(listShownCommands)
const scripts = Object.keys(JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')).scripts)

/** The words after `bootwright`, `npm run bootwright --` or `dist/main.js`; undefined for another command. */
function wordsOfProgram(words: string[]): string[] | undefined {
  const command = words.filter((word) => word !== '--silent')
  const start = command.findIndex((word) => !/^[A-Z_]+=/.test(word))
  if (command[start] === 'bootwright') return command.slice(start + 1)
  const main = command.findIndex((word) => word.endsWith('dist/main.js'))
  if (main >= 0) return command.slice(main + 1)
  const isNpm = command.slice(start, start + 4).join(' ') === 'npm run bootwright --'
  return isNpm ? command.slice(start + 4) : undefined
}

/** The program with empty actions, so that a run only parses the command. */
function createParser(): Command {
  const program = createProgram({ serve: async () => {}, env: {}, out: () => {}, err: () => {} })
  const commands = [program]
  for (const command of commands) {
    commands.push(...command.commands)
    command.action(() => {})
  }
  return program
}

/** Values for the placeholders in the documentation. */
const examples: Record<string, string> = {
  HEX: '0'.repeat(64),
  OTHER: '52:54:00:00:00:01',
}

/** True for words that only name a command, without its arguments, as in a sentence. */
function isName(words: string[], program: Command): boolean {
  const [word, ...others] = words
  if (word === undefined) return true
  const command = program.commands.find((child) => child.name() === word)
  return command !== undefined && isName(others, command)
}

async function findFault(words: string[]): Promise<string | undefined> {
  const program = createParser()
  if (isName(words, program)) return undefined
  try {
    await program.parseAsync(
      words.map((word) => examples[word] ?? word),
      { from: 'user' },
    )
    return undefined
  } catch (error) {
    const { exitCode, message } = error as { exitCode?: number; message: string }
    return exitCode === 0 ? undefined : message
  }
}

test('a wrong command is found', async () => {
  expect(await findFault(['machine', 'set', 'MAC', '--hostname', 'x'])).toBeUndefined()
  expect(await findFault(['machine', 'set', 'MAC', '--hostnames', 'x'])).toMatch('unknown option')
  expect(await findFault(['machine', 'sett', 'MAC'])).toMatch(/unknown command|too many arguments/)
})

test('every command that the documentation shows exists, with its options', async () => {
  const commands = documented.flatMap(({ where, words }) => {
    const own = wordsOfProgram(words)
    return own === undefined ? [] : [{ where, words: own }]
  })
  expect(commands.length).toBeGreaterThan(80)
  const faults = await Promise.all(
    commands.map(async ({ where, words }) => {
      const fault = await findFault(words)
      return fault === undefined ? [] : [`${where} bootwright ${words.join(' ')}: ${fault}`]
    }),
  )
  expect(faults.flat()).toEqual([])
})

test('every npm script that the documentation shows exists', () => {
  const unknown = documented.filter(({ words }) => {
    const at = words.indexOf('npm')
    const script = words.slice(at + 2).find((word) => !word.startsWith('-'))
    return at >= 0 && words[at + 1] === 'run' && script !== undefined && !scripts.includes(script)
  })
  expect(unknown).toEqual([])
})
