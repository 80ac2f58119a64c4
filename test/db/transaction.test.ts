import { describe, expect, expectTypeOf, test } from 'vitest'
import { readSource, sourceFiles } from '../../scripts/docs/imports.ts'
import type { Db } from '../../src/db/open.ts'
import { changes } from '../../src/db/schema/changes.ts'
import type { Tx } from '../../src/db/transaction.ts'
import type { createToken, revokeToken } from '../../src/inventory/access/tokens.ts'
import type { cancelDeployments } from '../../src/inventory/boots/deployment-cancels.ts'
import type { armDeployment, armMachines, cancelDeployment } from '../../src/inventory/boots/deployments.ts'
import { recordChanges } from '../../src/inventory/changes/changes.ts'
import type { changeWebhook, createWebhook, deleteWebhook } from '../../src/inventory/changes/webhooks.ts'
import type { changeAnswerFile, deleteAnswerFile, saveAnswerFile } from '../../src/inventory/images/answer-files.ts'
import type { deleteImage, patchImage, saveImage } from '../../src/inventory/images/images.ts'
import type { changeGroup, deleteGroup, saveGroup } from '../../src/inventory/machines/groups.ts'
import { deleteMachine, type saveMachine } from '../../src/inventory/machines/machines.ts'
import type { changeMenu, deleteMenu, saveMenu } from '../../src/inventory/machines/menus.ts'
import type { mergeMachines } from '../../src/inventory/machines/merge.ts'
import type { savePolicy } from '../../src/inventory/machines/policy.ts'
import type { deleteSecret, saveSecret } from '../../src/inventory/machines/secrets.ts'
import { eachDatabase } from '../helpers/database.ts'

/** The number of arguments of a function. An optional argument makes it a union. */
type Arguments<F extends (...args: never[]) => unknown> = Parameters<F>['length']

// tsc checks these types in `npm run check`. If a wrong call compiles, tsc reports an error.
describe('a transaction', () => {
  test('is a database, but a database is not a transaction', () => {
    expectTypeOf<Tx>().toExtend<Db>()
    expectTypeOf<Db>().not.toExtend<Tx>()
  })

  test('is a required argument of functions that must not run alone', () => {
    const write = (db: Db) =>
      db.transaction(async (tx) => {
        await recordChanges(tx, [])
        // @ts-expect-error: inside a transaction the database itself does not compile where the transaction is required.
        await recordChanges(db, [])
      })
    expectTypeOf(write).parameter(0).toEqualTypeOf<Db>()
  })
})

describe('the actor of a change', () => {
  test('is a required argument of every function that records a change', () => {
    const remove = (db: Db) =>
      // @ts-expect-error: the actor is missing.
      deleteMachine(db, { mac: '52:54:00:12:34:56' }, {})
    expectTypeOf(remove).parameter(0).toEqualTypeOf<Db>()
    expectTypeOf<Arguments<typeof createToken | typeof revokeToken>>().toEqualTypeOf<3 | 4>()
    expectTypeOf<Arguments<typeof armDeployment>>().toEqualTypeOf<5>()
    expectTypeOf<Arguments<typeof armMachines>>().toEqualTypeOf<5 | 6>()
    expectTypeOf<Arguments<typeof cancelDeployment>>().toEqualTypeOf<3>()
    expectTypeOf<Arguments<typeof cancelDeployments>>().toEqualTypeOf<4>()
    expectTypeOf<Arguments<typeof createWebhook | typeof changeWebhook>>().toEqualTypeOf<4>()
    expectTypeOf<Arguments<typeof deleteWebhook>>().toEqualTypeOf<3>()
    expectTypeOf<Arguments<typeof saveAnswerFile>>().toEqualTypeOf<5>()
    expectTypeOf<Arguments<typeof changeAnswerFile>>().toEqualTypeOf<6>()
    expectTypeOf<Arguments<typeof deleteAnswerFile>>().toEqualTypeOf<4>()
    expectTypeOf<Arguments<typeof saveImage | typeof patchImage>>().toEqualTypeOf<5>()
    expectTypeOf<Arguments<typeof deleteImage>>().toEqualTypeOf<4>()
    expectTypeOf<Arguments<typeof saveGroup | typeof changeGroup>>().toEqualTypeOf<5>()
    expectTypeOf<Arguments<typeof deleteGroup>>().toEqualTypeOf<4>()
    expectTypeOf<Arguments<typeof saveMachine>>().toEqualTypeOf<5>()
    expectTypeOf<Arguments<typeof saveMenu | typeof changeMenu>>().toEqualTypeOf<5 | 6>()
    expectTypeOf<Arguments<typeof deleteMenu>>().toEqualTypeOf<4 | 5>()
    expectTypeOf<Arguments<typeof mergeMachines>>().toEqualTypeOf<4>()
    expectTypeOf<Arguments<typeof savePolicy>>().toEqualTypeOf<3 | 4>()
    expectTypeOf<Arguments<typeof saveSecret>>().toEqualTypeOf<6>()
    expectTypeOf<Arguments<typeof deleteSecret>>().toEqualTypeOf<4>()
  })

  test('has no default in any file, and no database is cast to another type', () => {
    const wrong = sourceFiles().filter((file) => /by: Actor = |as unknown as (Db|Tx)\b/.test(readSource(file)))
    // The only cast turns a driver's database into a Db.
    expect(wrong).toEqual(['db/open.ts'])
  })
})

eachDatabase('a transaction that fails', (database) => {
  test('leaves neither the change nor its record', async () => {
    const db = database()
    const failing = db.transaction(async (tx) => {
      await recordChanges(tx, [{ actor: 'tester', type: 'group.changed', subject: 'a' }])
      throw new Error('because')
    })
    await expect(failing).rejects.toThrow('because')
    expect(await db.select().from(changes)).toEqual([])
  })
})
