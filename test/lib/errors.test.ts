import { createServer } from 'node:net'
import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { freePort } from '../../scripts/servers/free-port.ts'
import { openPostgres } from '../../src/db/postgres/open-postgres.ts'
import { messageOf, stackOf } from '../../src/lib/errors.ts'
import { eachDatabase } from '../helpers/database.ts'

eachDatabase('the message for a failed statement', (database) => {
  test('is the message of the database, without the statement and its values', async () => {
    const key = 'whsec_a-key-of-somebody'
    const error = await database()
      .execute(sql`insert into webhooks (url) values (${`https://example.org/?key=${key}`})`)
      .catch((thrown: unknown) => thrown)
    expect(messageOf(error)).toMatch(/^null value in column "\w+" of relation "webhooks" violates not-null constraint$/)
    expect(stackOf(error)).toContain('violates not-null constraint')
    expect(`${messageOf(error)}${stackOf(error)}`).not.toMatch(/whsec|insert into/)
  })
})

test('every error has a message, even an error of several attempts and an error with only a code', () => {
  const refused = Object.assign(new Error(''), { code: 'ECONNREFUSED' })
  expect(messageOf(refused)).toBe('ECONNREFUSED')
  expect(messageOf(new AggregateError([new Error('by ::1'), new Error('by 127.0.0.1')]))).toBe('by ::1, by 127.0.0.1')
  expect(messageOf('text')).toBe('text')
})

test('the error for an unreachable database names its address and the reason, without the password', async () => {
  const port = await freePort()
  const url = (at: number, name = 'boot') => `postgres://operator:hidden@127.0.0.1:${at}/${name}`
  const fault = `DATABASE_URL: cannot connect to 127.0.0.1:${port}: connect ECONNREFUSED 127.0.0.1:${port}`
  await expect(openPostgres(url(port))).rejects.toThrow(fault)
  // A proxy without a server behind it accepts connections and closes them.
  const proxy = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  const { port: other } = proxy.address() as { port: number }
  await expect(openPostgres(url(other))).rejects.toThrow(/^DATABASE_URL: cannot connect to 127\.0\.0\.1:\d+: /)
  proxy.close()
})
