// A client of the embedded database that restarts a dead engine.

import { setTimeout as wait } from 'node:timers/promises'
import type { PGlite } from '@electric-sql/pglite'
import { DiskFullError, messageOf } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { DiskRoom } from './disk-room.ts'
import type { Engine } from './embedded-engine.ts'
import type { OnQuery } from './open.ts'
import { timed } from './timed.ts'

/** What drizzle uses of PGlite. */
type Queries = Pick<PGlite, 'query' | 'exec' | 'transaction'>

/** A database whose engine may die and is then restarted. */
export type EmbeddedClient = Queries & {
  /** Why nothing can be changed now; undefined without a fault. */
  fault: () => string | undefined
  close: () => Promise<void>
}

/**
 * Single-user PostgreSQL makes no checkpoints automatically: its log, and the time of the next start, would grow
 * forever.
 */
const checkpointBytes = 32 * 2 ** 20
const maxRetryMs = 30_000

// SQLSTATE.
const readOnlyCode = '25006'
const diskFullCode = '53100'
// Insufficient resources, system error, internal error.
const faultCodes = /^(53|58|XX)/

/** The database is away for a while; the code is PostgreSQL's cannot_connect_now. */
function stopped(reason: string, cause?: unknown): Error {
  return Object.assign(new Error(`the embedded database stopped: ${reason}`, { cause }), { code: '57P03' })
}

/**
 * Queries an engine. Every result, also that of a read, waits until all earlier changes are on the disk. When the
 * engine dies its log is replayed by a new one, as after a crash, as soon as that can be started.
 */
export async function openEmbeddedClient(
  start: () => Promise<Engine>,
  { room, log, onQuery }: { room: DiskRoom; log: Logger | undefined; onQuery?: OnQuery | undefined },
): Promise<EmbeddedClient> {
  let engine: Engine | undefined = await start()
  let away = ''
  let failed: string | undefined
  let readOnly = false
  let checkpointAt = engine.logBytes() + checkpointBytes
  const stopping = new AbortController()

  const revive = async (dead: Engine) => {
    if (engine !== dead) return
    engine = undefined
    away = dead.death() ?? ''
    dead.abandon()
    log?.error({ reason: away }, 'the embedded database stopped, restarting')
    for (let retryMs = 500; ; retryMs = Math.min(retryMs * 2, maxRetryMs)) {
      await wait(retryMs, undefined, { signal: stopping.signal, ref: false })
      try {
        engine = await start()
        break
      } catch (error) {
        away = messageOf(error)
        log?.error({ reason: away, retryMs }, 'the embedded database cannot be started, retrying')
      }
    }
    if (stopping.signal.aborted) return engine.client.close()
    readOnly = false
    checkpointAt = engine.logBytes() + checkpointBytes
    log?.info('the embedded database is running again')
  }

  // Refuses changes before the disk is full: PostgreSQL ends if the disk fills up while it writes a page of its log.
  const limit = async ({ client, logBytes }: Engine) => {
    const low = room.isLow(logBytes())
    if (low === readOnly) return
    readOnly = low
    if (low) log?.error({ reason: room.reason() }, 'the embedded database is read-only')
    else log?.info('the embedded database is writable again')
    await client.exec(`set default_transaction_read_only = ${low ? 'on' : 'off'}`)
  }

  const explained = (error: unknown) => {
    const { code } = error as { code?: unknown }
    if (code === readOnlyCode) return new DiskFullError(room.reason())
    if (code === diskFullCode) return new DiskFullError(`the disk of the database is full: ${messageOf(error)}`)
    if (faultCodes.test(String(code))) failed = messageOf(error)
    return error
  }

  const run = <T>(work: (client: PGlite) => Promise<T>): Promise<T> => timed(() => runOnce(work), onQuery)
  const runOnce = async <T>(work: (client: PGlite) => Promise<T>): Promise<T> => {
    const current = engine
    if (current === undefined) throw stopped(away)
    const before = current.logBytes()
    try {
      await limit(current)
      const result = await work(current.client)
      await current.settle()
      if (current.logBytes() > before) failed = undefined
      return result
    } catch (error) {
      if (current.death() === undefined) await current.settle().catch(() => {})
      const death = current.death()
      if (death !== undefined) {
        revive(current).catch(() => {})
        throw stopped(death, error)
      }
      throw explained(error)
    }
  }

  const exec: Queries['exec'] = async (...args) => {
    const results = await run((client) => client.exec(...args))
    checkpointInTime()
    return results
  }
  const checkpointInTime = () => {
    if (engine === undefined || engine.logBytes() < checkpointAt) return
    checkpointAt = engine.logBytes() + checkpointBytes
    run((client) => client.exec('checkpoint')).catch((error: unknown) =>
      log?.warn({ error: messageOf(error) }, 'the write-ahead log of the embedded database could not be truncated'),
    )
  }

  return {
    exec,
    query: async (...args) => {
      const result = await run((client) => client.query(...args))
      checkpointInTime()
      return result as never
    },
    transaction: async (work) => {
      const result = await run((client) =>
        client.transaction((tx) =>
          work({
            ...tx,
            query: async (...args) => {
              if (engine !== undefined && room.isLow(engine.logBytes())) throw new DiskFullError(room.reason())
              return tx.query(...args).catch((error: unknown) => {
                throw explained(error)
              }) as never
            },
          }),
        ),
      )
      checkpointInTime()
      return result
    },
    fault: () => {
      if (engine === undefined) return `the embedded database stopped: ${away}`
      return room.isLow(engine.logBytes()) ? room.reason() : failed
    },
    close: async () => {
      stopping.abort()
      if (engine !== undefined && engine.death() === undefined) await engine.client.close()
    },
  }
}
