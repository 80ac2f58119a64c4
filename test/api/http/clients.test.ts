import { rm } from 'node:fs/promises'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OpenDb } from '../../../src/db/open.ts'
import { generateClients, generators } from '../../clients/generate.ts'
import { type Api, openApi } from '../../helpers/api.ts'
import { openTestDatabase } from '../../helpers/database.ts'

describe('clients generated from the OpenAPI document', () => {
  const folder = new URL(`../../clients/generated-${process.pid}`, import.meta.url).pathname
  let opened: OpenDb
  let api: Api
  let server: Server

  beforeAll(async () => {
    opened = await openTestDatabase()
    api = await openApi(opened.db)
    server = createAdaptorServer({ fetch: api.app.fetch }) as Server
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    await generateClients((await api.ask('GET', '/api/v1/openapi.json')).body, folder)
  }, 180_000)
  afterAll(async () => {
    server?.close()
    await api?.remove()
    await opened?.close()
    await rm(folder, { recursive: true, force: true })
  })

  test.each(Object.keys(generators))(
    'compile, set and clear fields, and read summaries of bulk work: %s',
    async (name) => {
      const { run } = (await import(`${folder}/${name}.ts`)) as { run: (baseUrl: string) => Promise<object> }
      expect(await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)).toEqual({
        made: { local: true, args: ['quiet'] },
        cleared: undefined,
        bulk: {
          ...{ rows: 2, created: 1, changed: 0, unchanged: 0, failed: 1, applied: true },
          items: [
            { line: 2, errors: [{ field: 'mac', value: 'nothing', expected: expect.stringContaining('a MAC') }] },
          ],
        },
        gc: { kind: 'end', dryRun: true, files: 0, bytes: 0, damaged: 0, items: [] },
        verify: { kind: 'end', checked: 0, damaged: 0, failed: 0, bytes: 0, items: [] },
      })
    },
  )
})
