// The iPXE templates, read from the program's folder.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { programDir } from '../lib/program-dir.ts'
import type { Templates } from '../render/renderer.ts'

/** Reads the iPXE templates that ship with the program, `ipxe/*.eta`, by their names without the extension. */
export function readTemplates(folder = join(programDir, 'ipxe')): Templates {
  const names = readdirSync(folder).filter((name) => name.endsWith('.eta'))
  return Object.fromEntries(names.map((name) => [name.replace(/\.eta$/, ''), readFileSync(join(folder, name), 'utf8')]))
}
