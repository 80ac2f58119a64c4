// Files that operators name: read, decoded and parsed.
import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import { messageOf } from '../../lib/errors.ts'
import type { CliDeps } from './deps.ts'
import { operatorPath } from './path.ts'

/** The text of a file, or of standard input for `-`, in UTF-8. @throws Error for the operator */
export async function readInput(deps: CliDeps, path: string): Promise<string> {
  if (path === '-') return decodeText(await buffer(deps.stdin ?? process.stdin), 'standard input')
  const bytes = await readFile(operatorPath(deps, path)).catch((error: unknown) => {
    throw new Error(`${path}: ${messageOf(error)}`)
  })
  return decodeText(bytes, path)
}

/**
 * Decodes UTF-8, and removes a byte order mark, because cloud-init ignores a file that begins with one.
 * @throws Error that names the actual encoding, and the line that shows it
 */
export function decodeText(bytes: Buffer, path: string): string {
  const refuse = (what: string, encoding: string): never => {
    throw new Error(`${path}: expected UTF-8, got ${what}; convert it: iconv -f ${encoding} -t UTF-8`)
  }
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)) refuse('UTF-16', 'UTF-16')
  // In UTF-16, every other byte of Latin letters is zero.
  const nul = bytes.indexOf(0)
  if (nul === 0 || nul === 1) refuse('UTF-16 without a byte order mark', nul === 0 ? 'UTF-16BE' : 'UTF-16LE')
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let from = 0
  for (let line = 1; from < bytes.length; line++) {
    const end = bytes.indexOf(10, from)
    const to = end < 0 ? bytes.length : end + 1
    const piece = bytes.subarray(from, to)
    if (piece.includes(0)) throw new Error(`${path}: expected a text, got a NUL byte in line ${line}`)
    try {
      decoder.decode(piece)
    } catch {
      refuse(`an invalid byte in line ${line} (ISO-8859-1 or Windows-1252?)`, 'ISO-8859-1')
    }
    from = to
  }
  return new TextDecoder().decode(bytes)
}

/** Reads a JSON file. @throws Error for the operator */
export async function readJson(deps: CliDeps, path: string): Promise<unknown> {
  const text = await readInput(deps, path)
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`${path}: expected JSON: ${messageOf(error)}`)
  }
}
