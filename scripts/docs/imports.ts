import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { repository } from '../setup/run.js'

/** One import of a file in src/. `to` is a file of src/, or the name of a package for an external one. */
export type Import = { from: string; to: string; typeOnly: boolean; external: boolean }

const src = join(repository, 'src')
const statement = /^(?:import|export)\s+(type\s)?[^;]*?from '([^']+)'/gms
const dynamic = /\bimport\('([^']+)'\)/g

/** The TypeScript files of src/, by their paths from there. */
export function sourceFiles(): string[] {
  return readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .sort()
}

/** The text of a file of src/. */
export function readSource(file: string): string {
  return readFileSync(join(src, file), 'utf8')
}

/** Every import of src/, also those that run later (`await import(…)`). */
export function readImports(): Import[] {
  return sourceFiles().flatMap((from) => {
    const text = readSource(from)
    const found = [
      ...[...text.matchAll(statement)].map(([, type, to = '']) => ({ to, typeOnly: type !== undefined })),
      ...[...text.matchAll(dynamic)].map(([, to = '']) => ({ to, typeOnly: false })),
    ]
    return found.map(({ to, typeOnly }) => {
      const external = !to.startsWith('.')
      return { from, to: external ? to : normalize(join(dirname(from), to)), typeOnly, external }
    })
  })
}

/** The room of a file: the first folder of its path, or the file itself if it has no folder. */
export function roomOf(file: string): string {
  return file.split('/')[0]?.replace(/\.ts$/, '') ?? ''
}
