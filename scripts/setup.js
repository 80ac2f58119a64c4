// Prepares a fresh machine. This program runs before npm installs packages, so it is plain JavaScript without dependencies.
//
// Usage:
//   node scripts/setup.js dependencies   npm packages, patched.
//   node scripts/setup.js start          dependencies, the compiled program, boot programs.
//   node scripts/setup.js test           all of start, Debian packages for the tests, and files for the lab.
//   node scripts/setup.js bench NAME …   Debian packages for these benchmarks.
//
// BOOTWRIGHT_NO_APT=1: run no apt-get, and print the command instead.

import { installBenchPrograms } from './setup/bench-programs.js'
import { fetchBootPrograms } from './setup/boot-programs.js'
import { compile, installDependencies, installTestClients } from './setup/dependencies.js'
import { fetchLabPieces } from './setup/lab-pieces.js'
import { applyPatches } from './setup/patches.js'
import { installTestPackages } from './setup/test-packages.js'

/** In CI, a missing piece is an error. */
const requireAll = Boolean(process.env.CI || process.env.REQUIRE_ALL_TESTS)

/** @type {Record<string, (() => string[] | void | Promise<void>)[]>} Each step returns a line for each missing piece. */
const steps = {
  dependencies: [installDependencies, applyPatches],
  start: [installDependencies, applyPatches, compile, fetchBootPrograms],
  test: [
    installDependencies,
    installTestClients,
    applyPatches,
    compile,
    fetchBootPrograms,
    installTestPackages,
    fetchLabPieces,
  ],
  bench: [() => installBenchPrograms(process.argv.slice(3))],
}

const chosen = steps[process.argv[2] ?? '']
if (chosen === undefined) {
  console.error(`usage: node scripts/setup.js ${Object.keys(steps).join('|')}`)
  process.exit(2)
}

try {
  const missing = []
  for (const step of chosen) missing.push(...((await step()) ?? []))
  for (const line of missing) console.error(`setup: ${line}`)
  if (missing.length > 0 && requireAll) {
    console.error('setup: CI or REQUIRE_ALL_TESTS is set, so nothing may be missing')
    process.exit(1)
  }
} catch (error) {
  console.error(`setup: ${error instanceof Error ? error.message : error}`)
  process.exit(1)
}
