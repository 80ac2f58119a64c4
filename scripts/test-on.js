// `npm run test:on VERSION [ARGUMENT …]`: runs the tests on another Node, from the package `node` of npm.
// VERSION is 24 or 24.1.0, for example. Vitest gets the arguments. Setup and the processes that tests start use that Node too.
// The download stays in .cache. Remove .cache/node-24 to get the newest release of Node 24.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { repository, run } from './setup/run.js'

const [version = '', ...vitestArguments] = process.argv.slice(2)
if (!/^\d+(\.\d+){0,2}$/.test(version)) {
  console.error(
    `test:on: expected a version of Node, got "${version}". Example: npm run test:on 24 test/lib/mac.test.ts`,
  )
  process.exit(2)
}

const folder = join(repository, '.cache', `node-${version}`)
const binFolder = join(folder, 'node_modules/node/bin')
const env = { ...process.env, PATH: `${binFolder}${delimiter}${process.env.PATH}` }

try {
  if (!existsSync(join(binFolder, 'node'))) {
    console.log(`test:on: downloading node@${version} into .cache (npm install)`)
    mkdirSync(folder, { recursive: true })
    // The install script of this package selects the program for this platform.
    run('npm', ['install', '--prefix', folder, '--ignore-scripts=false', '--loglevel=error', `node@${version}`])
  }
  console.log(`test:on: Node ${run('node', ['--version'], { env }).trim()}`)
} catch (error) {
  console.error(`test:on: ${error instanceof Error ? error.message : error}`)
  process.exit(1)
}
const { status } = spawnSync('npm', ['test', '--', ...vitestArguments], { cwd: repository, env, stdio: 'inherit' })
process.exit(status ?? 1)
