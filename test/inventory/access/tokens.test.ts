import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'
import {
  createToken,
  ensureFirstToken,
  findToken,
  hashToken,
  listTokens,
  revokeToken,
} from '../../../src/inventory/access/tokens.ts'
import { NotFoundError } from '../../../src/lib/errors.ts'
import { eachDatabase } from '../../helpers/database.ts'

eachDatabase('admin tokens', (database) => {
  test('only the hash of a token is stored', async () => {
    const { token } = await createToken(database(), 'ansible', 'tester')
    const rows = JSON.stringify(await database().execute(sql`select * from tokens`))
    expect(rows).not.toContain(token)
    expect(rows).toContain(hashToken(token))
  })

  test('a token is found until it is revoked, and its last use is recorded', async () => {
    const { id, token, lastUsedAt } = await createToken(database(), 'ansible', 'tester')
    expect(lastUsedAt).toBeNull()
    expect(await findToken(database(), token)).toMatchObject({ id, name: 'ansible' })
    expect((await listTokens(database()))[0]?.lastUsedAt).toEqual(expect.any(Date))
    const { revokedAt } = await revokeToken(database(), id, 'tester')
    expect(await findToken(database(), token)).toBeUndefined()
    expect((await revokeToken(database(), id, 'tester')).revokedAt).toEqual(revokedAt)
    await expect(revokeToken(database(), '0190d3f2-7c1a-7b5e-9f00-3a5d2c1b4e6f', 'tester')).rejects.toThrow(
      NotFoundError,
    )
  })

  test('the first start creates one token', async () => {
    const token = await ensureFirstToken(database(), undefined)
    expect(await findToken(database(), token ?? '')).toMatchObject({ name: 'first start' })
    expect(await ensureFirstToken(database(), undefined)).toBeUndefined()
  })

  test('the token from the settings is stored once and not shown', async () => {
    const given = 'x'.repeat(32)
    for (let n = 0; n < 2; n++) expect(await ensureFirstToken(database(), given)).toBeUndefined()
    expect((await listTokens(database())).map((one) => one.name)).toEqual(['from the settings'])
    expect(await findToken(database(), given)).toBeDefined()
  })
})
