// What a fresh machine needs before anything else can run, so this is plain JavaScript without a single dependency.
//
//   node scripts/setup.js dependencies   the npm packages, patched
//   node scripts/setup.js start          those, the compiled program, and the boot programs
//   node scripts/setup.js test           all that, and what the lab and the database tests need
//   node scripts/setup.js bench NAME …   what these measurements run beside Bootwright

import { bringBenchPieces } from './setup/bench-programs.js'
import { bringBootPrograms } from './setup/boot-programs.js'
import { compile, installDependencies, installTestClients } from './setup/dependencies.js'
import { applyPatches } from './setup/patches.js'
import { prepareTests } from './setup/test-packages.js'

/** True where a missing piece has to fail instead of leaving something out: in CI. */
const requireAll = Boolean(process.env.CI || process.env.REQUIRE_ALL_TESTS)

/** @type {Record<string, (() => string[] | void | Promise<void>)[]>} Each step returns what it could not bring, in words. */
const steps = {
  dependencies: [installDependencies, applyPatches],
  start: [installDependencies, applyPatches, compile, bringBootPrograms],
  test: [installDependencies, installTestClients, applyPatches, compile, bringBootPrograms, prepareTests],
  bench: [() => bringBenchPieces(process.argv.slice(3))],
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
