// Paths of the API, and of files on the computer of the operator.
import { resolve } from 'node:path'
import type { CliDeps } from './deps.ts'

/** A path of the API: `pathOf('images', 'debian-12')` is `/images/debian-12`. */
export function pathOf(...parts: string[]): string {
  return parts.map((part) => `/${encodeURIComponent(part)}`).join('')
}

/** Resolves a path from the operator's folder: npm runs scripts in the folder of the package, and sets INIT_CWD. */
export function operatorPath({ env }: Pick<CliDeps, 'env'>, path: string): string {
  return resolve(env.INIT_CWD ?? '', path)
}
