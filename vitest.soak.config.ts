import { defineConfig } from 'vitest/config'

// `npm run soak`: long loops of chance, each bounded, drawn from a seed that it prints. SOAK_SEED runs the same again.
export default defineConfig({
  test: {
    include: ['test/soak/**/*.test.ts'],
    globalSetup: ['test/helpers/postgres-server.ts', 'test/helpers/embedded-template.ts'],
    testTimeout: 60 * 60_000,
    hookTimeout: 120_000,
    maxWorkers: 1,
  },
})
