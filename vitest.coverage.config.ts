import { defineConfig, mergeConfig } from 'vitest/config'
import config from './vitest.config.ts'

// `npm run coverage`: all tests but those with virtual machines. Coverage counts only code in the processes of the tests:
// the server that a test starts as a child process is not counted.
export default mergeConfig(
  config,
  defineConfig({
    test: {
      exclude: ['test/lab/**'],
      coverage: {
        enabled: true,
        provider: 'v8',
        include: ['src/**/*.ts'],
        reporter: ['text-summary', 'html'],
        reportOnFailure: true,
      },
    },
  }),
)
