import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { makePostgres, type PostgresCluster } from '../../scripts/servers/postgres-cluster.ts'
import { getAsIpxe, unwrapped } from '../helpers/boot-server.ts'
import { createFresh } from '../helpers/database.ts'
import { startServerProcess } from '../helpers/server-process.ts'

const postgres = (await makePostgres()) as PostgresCluster
const machine = '/machines/52:54:00:00:00:07'

test.runIf(postgres !== undefined)(
  'a change that was answered decides, even if the database stops in the next moment',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'bootwright-known-changes-'))
    await postgres.start()
    const url = await createFresh(postgres.url)
    const server = await startServerProcess(folder, { DATABASE_URL: url, BOOTWRIGHT_DATABASE_WAIT_MS: '300' })
    onTestFinished(async () => {
      await server.kill()
      await postgres.remove()
      await rm(folder, { recursive: true })
    })
    const script = async () => unwrapped(await getAsIpxe(`${server.bootUrl}/ipxe?mac=52-54-00-00-00-07`))
    expect((await server.ask('PUT', machine, { assignment: { local: true } })).status).toBe(201)
    // The roster asks at least once a second, so the change comes right after a question.
    expect(await script()).toContain('boots from its local disk')
    expect((await server.ask('PATCH', machine, { denied: true })).status).toBe(200)
    await postgres.stop('SIGQUIT')
    expect(await script()).toContain('is denied')
  },
  120_000,
)
