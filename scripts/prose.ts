import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { checkFile } from './prose/check-file.ts'

// npm run check:prose [-- PATH…]: checks the texts that people read against scripts/prose/words.ts and rules.ts.
const repository = join(import.meta.dirname, '..')

/** Where all texts follow the rules; the other folders join this list when they do. */
const swept = [
  '.github',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'README.md',
  'SECURITY.md',
  'docs/README.md',
  'docs/answer-files',
  'docs/explain',
  'docs/guide',
  'docs/reference',
  'ipxe',
  'scripts',
  'src/api',
  'src/cli',
  'src/config',
  'src/db',
  'src/decide',
  'src/files',
  'src/inventory',
  'src/jobs',
  'src/lib',
  'src/main.ts',
  'src/model',
  'src/render',
  'src/server',
  'test/api',
  'test/boot',
  'test/cli',
  'test/clients',
  'test/config',
  'test/db',
  'test/decide',
  'test/docs',
  'test/helpers',
  'test/inventory',
  'test/jobs',
  'test/lab',
  'test/lib',
  'test/model',
  'test/render',
  'test/scripts',
  'test/server',
  'test/tftp',
  'test/soak',
]

/** Where the names of values follow the rules too; the other folders of src join this list when they do. */
const renamed = /^src\/(?:cli|config|files|jobs|lib|main\.ts|server)\b/

const paths = process.argv.slice(2)
const files = (paths.length > 0 ? paths : swept).flatMap(filesAt)
const faults = files.flatMap((name) =>
  checkFile(name, readFileSync(join(repository, name), 'utf8'), paths.length > 0 || renamed.test(name)),
)
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
        !/node_modules|ipxe\/nbp|prose\/words|clients\/programs|clients\/generated/.test(name),
    )
}
