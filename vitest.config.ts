import { defineConfig } from 'vitest/config'
import { SlowFilesFirst } from './test/helpers/slow-files.ts'
import { reportSlowestFiles } from './test/helpers/slowest-files.ts'

export default defineConfig({
  // Beside whatever --reporter says.
  plugins: [
    { name: 'slowest-files', configureVitest: ({ vitest }) => void vitest.config.reporters.push(reportSlowestFiles()) },
  ],
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/soak/**', '**/node_modules/**'],
    globalSetup: ['test/helpers/postgres-server.ts', 'test/helpers/embedded-template.ts'],
    sequence: { sequencer: SlowFilesFirst },
    testTimeout: 60_000,
    hookTimeout: 180_000,
    // A page that follows a click takes long on a busy machine.
    expect: { poll: { timeout: 15_000 } },
    // Real sockets, disks and firmware on a shared machine: what failed runs once more in CI, and the report names it.
    retry: process.env.CI || process.env.REQUIRE_ALL_TESTS ? 1 : 0,
    // A guest in software emulation wants a core of its own: two files at a time is what two cores carry.
    maxWorkers: 2,
    // The files of a worker share what they import: none changes a module or the environment for good.
    isolate: false,
  },
})
