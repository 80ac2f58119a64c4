import { defineConfig } from 'vitest/config'
import { slowFiles } from './test/helpers/slow-files.ts'
import whole from './vitest.config.ts'

// `npm run test:quick`, for after each change: without PostgreSQL the database suites run on the embedded database alone.
export default defineConfig({
  ...whole,
  test: {
    ...whole.test,
    exclude: [...(whole.test?.exclude ?? []), ...slowFiles.map((path) => `${path}**`)],
    globalSetup: ['test/helpers/embedded-template.ts'],
  },
})
