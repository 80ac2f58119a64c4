import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { checkFile } from './prose/check-file.ts'

// npm run check:prose [-- PATH…]: checks the texts that people read against scripts/prose/words.ts and rules.ts.
const repository = join(import.meta.dirname, '..')

/** Every text of the repository; in src/ the names of values too. */
const everything = [
  '.github',
  'ARCHITECTURE.md',
  'CHANGELOG.md',
  'CONTRIBUTING.md',
  'README.md',
  'SECURITY.md',
  'docs/README.md',
  'docs/answer-files',
  'docs/decisions',
  'docs/explain',
  'docs/guide',
  'docs/reference',
  'ipxe',
  'scripts',
  'src',
  'test',
]

const paths = process.argv.slice(2)
const files = (paths.length > 0 ? paths : everything).flatMap(filesAt)
const faults = files.flatMap((name) => checkFile(name, readFileSync(join(repository, name), 'utf8')))
for (const fault of faults) console.log(fault)
console.log(`prose: ${files.length} files, ${faults.length} faults`)
if (faults.length > 0) process.exitCode = 1

/** The files with prose at a path of the repository. */
function filesAt(path: string): string[] {
  const absolute = join(repository, path)
  if (!statSync(absolute).isDirectory()) return [path]
  return readdirSync(absolute, { recursive: true, encoding: 'utf8' })
    .map((name) => join(path, name))
    .filter(
      (name) =>
        /\.(?:md|eta|ts|js)$/.test(name) &&
        !/node_modules|ipxe\/nbp|prose\/words|clients\/programs|clients\/generated|codes\/ipxe-(?:errors|cases|files)/.test(
          name,
        ),
    )
}
