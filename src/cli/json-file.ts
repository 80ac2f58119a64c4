import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { text as readText } from 'node:stream/consumers'
import { messageOf } from '../errors.ts'
import type { CliDeps } from './deps.ts'

/** The text of a file, or of standard input for `-`. @throws Error for the operator */
export async function readInput(deps: CliDeps, path: string): Promise<string> {
  if (path === '-') return readText(deps.stdin ?? process.stdin)
  // npm runs a script in the package's folder; a path is meant from where the operator stands.
  return readFile(resolve(deps.env.INIT_CWD ?? '', path), 'utf8').catch((error: unknown) => {
    throw new Error(`${path}: ${messageOf(error)}`)
  })
}

/** A file's JSON. @throws Error for the operator */
export async function readJson(deps: CliDeps, path: string): Promise<unknown> {
  const text = await readInput(deps, path)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`${path}: it is no JSON: ${messageOf(error)}`)
  }
}
