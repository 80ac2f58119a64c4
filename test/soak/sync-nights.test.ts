import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, inject, test } from 'vitest'
import { programDir } from '../../src/lib/program-dir.ts'
import { createFresh } from '../helpers/database.ts'
import { roundsOf, seeded } from '../helpers/seeded.ts'
import { startServerProcess } from '../helpers/server-process.ts'
import { type Cli, doAsPerson, expectWorld, syncOwner } from '../helpers/sync/nights.ts'
import { createWorld, ownerNames } from '../helpers/sync/world.ts'

const machines = 5000
const changes = 200
/** Half of the timeout of the command line. */
const maxSeconds = 60

for (const kind of ['embedded', 'PostgreSQL'] as const)
  test.skipIf(kind === 'PostgreSQL' && inject('postgresUrl') === undefined)(
    `three owners synchronize 5,000 machines for ten nights: ${kind}`,
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'bootwright-sync-'))
      const url = inject('postgresUrl')
      const env = kind === 'embedded' || url === undefined ? {} : { DATABASE_URL: await createFresh(url) }
      const server = await startServerProcess(folder, env)
      const cli = inProcess({ BOOTWRIGHT_DATA_DIR: folder })
      try {
        const world = createWorld(machines, seeded(`nights of syncs, ${kind}`))
        const limits: Record<string, number> = {}
        for (let night = 0; night < roundsOf(11); night++) {
          for (const owner of ownerNames) {
            const { result, seconds } = await syncOwner(world, owner, { cli, folder }, '--prune')
            expect([night, owner, result.exitCode, result.err]).toEqual([
              night,
              owner,
              0,
              expect.not.stringContaining('bootwright:'),
            ])
            const kindOfNight = night === 0 ? 'first' : 'nightly'
            limits[kindOfNight] = Math.max(limits[kindOfNight] ?? 0, seconds)
            console.log(
              `${kind}, night ${night}, ${owner}: ${seconds.toFixed(1)} s: ${result.out.trimEnd().split('\n').at(-1)}`,
            )
            world.model.sync(owner, [...world.rows[owner].values()])
          }
          await expectWorld(world, cli)
          await doAsPerson(cli, world.personActs())
          await expectWorld(world, cli)
          world.pass(changes)
        }
        console.log(`${kind}: longest ${JSON.stringify(limits)} (targets on an idle computer: 20 s, 5 s)`)
        expect(Math.max(...Object.values(limits))).toBeLessThan(maxSeconds)
      } finally {
        await server.stop()
        await rm(folder, { recursive: true })
      }
    },
  )

/** The command line in a process of its own, as a timer starts it. */
function inProcess(env: Record<string, string>): Cli {
  return async (...argv) => {
    const child = spawn(process.execPath, ['dist/main.js', ...argv], {
      cwd: programDir,
      env: { PATH: process.env.PATH ?? '', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const exited = new Promise<number>((resolve) => child.on('close', (code) => resolve(code ?? -1)))
    const [out, err, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), exited])
    return { exitCode, out, err }
  }
}
