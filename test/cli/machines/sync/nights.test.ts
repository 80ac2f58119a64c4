import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startOperator } from '../../../helpers/operator.ts'
import { seeded } from '../../../helpers/seeded.ts'
import { doAsPerson, expectWorld, syncOwner } from '../../../helpers/sync/nights.ts'
import { createWorld, ownerNames } from '../../../helpers/sync/world.ts'

test('three owners synchronize for nights, and the inventory is what they and the people described', async () => {
  const operator = await startOperator()
  const folder = await mkdtemp(join(tmpdir(), 'bootwright-nights-'))
  const cli = operator.run
  try {
    const world = createWorld(40, seeded('nights of syncs'))
    for (let night = 0; night < 6; night++) {
      for (const owner of ownerNames) {
        const { result } = await syncOwner(world, owner, { cli, folder }, '--prune', '--prune-max', '40')
        expect([night, owner, result.exitCode, result.err]).toEqual([
          night,
          owner,
          0,
          expect.not.stringContaining('bootwright:'),
        ])
        world.model.sync(owner, [...world.rows[owner].values()])
      }
      await expectWorld(world, cli)
      await doAsPerson(cli, world.personActs())
      await expectWorld(world, cli)
      // Refused files: one that ends too early, one with two machines of one id.
      const lines = world.fileOf('cmdb').trimEnd().split('\n')
      const half = lines.slice(0, lines.length / 2).join('\n')
      expect(await syncText(half)).toMatchObject({
        exitCode: 1,
        err: expect.stringMatching(/prune would remove \d+ of/),
      })
      const cut = half.slice(0, half.lastIndexOf(',') - 12)
      expect(await syncText(cut)).toMatchObject({ exitCode: 1, err: expect.stringMatching(/nothing was changed/i) })
      const twice = [...lines, (lines[1] as string).replace(/52:54:00/, '52:54:01')].join('\n')
      expect(await syncText(twice)).toMatchObject({
        exitCode: 1,
        err: expect.stringContaining(
          `row ${lines.length + 1}: externalId: expected a machine that no earlier row names`,
        ),
      })
      await expectWorld(world, cli)
      world.pass(20)
    }
  } finally {
    await operator.stop()
    await rm(folder, { recursive: true })
  }

  async function syncText(text: string) {
    const file = join(folder, 'bad.csv')
    await writeFile(file, `${text}\n`)
    return cli('machine', 'sync', file, '--owner', 'cmdb', '--prune', '--prune-max', '5%')
  }
}, 300_000)
