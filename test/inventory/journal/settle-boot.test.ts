import { setImmediate as nextTurn } from 'node:timers/promises'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { findBoot } from '../../../src/inventory/boots/boots.ts'
import { openJournal } from '../../../src/inventory/journal/open-journal.ts'
import { decideFor, testBootKeys } from '../../helpers/boots.ts'
import { eachDatabase } from '../../helpers/database.ts'
import { newTestFiles } from '../../helpers/journal.ts'

eachDatabase('a journal whose writer pauses', (database) => {
  test('writes the records of a boot at once for its token', async () => {
    const { files, remove } = newTestFiles()
    const journal = openJournal(database(), files, pino({ level: 'silent' }))
    const facts = { mac: '52:54:00:88:00:01', platform: 'efi', buildarch: 'x86_64' } as const
    const decision = await decideFor(database(), facts)
    const open = async () => {
      const keys = testBootKeys()
      await journal.openBoot({ ...keys, facts, ip: '192.0.2.1', decision, script: '#!ipxe\n', reports: false })
      return keys.id
    }
    // The first batches have no pause, so the last of these begins one.
    for (let n = 0; n < 25; n++) {
      await open()
      while (journal.events.waiting() > 0) await nextTurn()
    }
    const id = await open()
    await journal.settleBoot(id, 5000)
    expect(await findBoot(database(), id)).toBeDefined()
    await journal.stop()
    await remove()
  })
})
