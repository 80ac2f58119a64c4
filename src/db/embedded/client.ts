// A client of the embedded database that restarts a dead engine.

import { setTimeout as wait } from 'node:timers/promises'
import { DiskFullError, messageOf } from '../../lib/errors.ts'
import type { Logger } from '../../lib/log.ts'
import type { OnQuery } from '../open.ts'
import { timed } from '../timed.ts'
import type { DiskRoom } from './disk-room.ts'
import { mayWrite } from './may-write.ts'
import type { Engine, Statements } from './remote-engine.ts'

/** A database whose engine may die and is then restarted: what drizzle uses of PGlite. */
export type EmbeddedClient = Statements & {
  transaction: Engine['transaction']
  /** Grows with every statement or transaction that may have changed the database. */
  writes: () => number
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
  const startWatched = async () => {
    const started = await start()
    started.died.then(() => revive(started)).catch(() => {})
    return started
  }
  let engine: Engine | undefined
  let away = ''
  let failed: string | undefined
  let readOnly = false
  let checkpointAt = 0
  let writes = 0
  const stopping = new AbortController()

  const revive = async (dead: Engine) => {
    if (engine !== dead || stopping.signal.aborted) return
    engine = undefined
    away = dead.death() ?? ''
    await dead.abandon()
    log?.error({ reason: away }, 'the embedded database stopped, restarting')
    for (let retryMs = 500; ; retryMs = Math.min(retryMs * 2, maxRetryMs)) {
      await wait(retryMs, undefined, { signal: stopping.signal, ref: false })
      try {
        engine = await startWatched()
        break
      } catch (error) {
        away = messageOf(error)
        log?.error({ reason: away, retryMs }, 'the embedded database cannot be started, retrying')
      }
    }
    if (stopping.signal.aborted) return engine.close()
    readOnly = false
    checkpointAt = engine.logBytes() + checkpointBytes
    log?.info('the embedded database is running again')
  }

  // Refuses changes before the disk is full: PostgreSQL ends if the disk fills up while it writes a page of its log.
  const limit = async ({ exec, logBytes }: Engine) => {
    const low = room.isLow(logBytes())
    if (low === readOnly) return
    readOnly = low
    if (low) log?.error({ reason: room.reason() }, 'the embedded database is read-only')
    else log?.info('the embedded database is writable again')
    await exec(`set default_transaction_read_only = ${low ? 'on' : 'off'}`)
  }

  const explained = (error: unknown) => {
    const { code } = error as { code?: unknown }
    if (code === readOnlyCode) return new DiskFullError(room.reason())
    if (code === diskFullCode) return new DiskFullError(`the disk of the database is full: ${messageOf(error)}`)
    if (faultCodes.test(String(code))) failed = messageOf(error)
    return error
  }

  const run = <T>(work: (engine: Engine) => Promise<T>): Promise<T> => timed(() => runOnce(work), onQuery)
  const runOnce = async <T>(work: (engine: Engine) => Promise<T>): Promise<T> => {
    const current = engine
    if (current === undefined) throw stopped(away)
    const before = current.logBytes()
    try {
      await limit(current)
      const result = await work(current)
      if (current.logBytes() > before) failed = undefined
      return result
    } catch (error) {
      const death = current.death()
      throw death === undefined ? explained(error) : stopped(death, error)
    } finally {
      checkpointInTime()
    }
  }
  const checkpointInTime = () => {
    if (engine === undefined || engine.logBytes() < checkpointAt) return
    checkpointAt = engine.logBytes() + checkpointBytes
    run(({ exec }) => exec('checkpoint')).catch((error: unknown) =>
      log?.warn({ error: messageOf(error) }, 'the write-ahead log of the embedded database could not be truncated'),
    )
  }
  // Counts also what failed: the engine may have died after it changed the database.
  const counted = <T>(mayChange: () => boolean, work: Promise<T>): Promise<T> =>
    work.finally(() => {
      if (mayChange()) writes += 1
    })

  engine = await startWatched()
  checkpointAt = engine.logBytes() + checkpointBytes
  return {
    exec: (text) =>
      counted(
        () => true,
        run(({ exec }) => exec(text)),
      ),
    query: (text, ...args) =>
      counted(
        () => mayWrite(text),
        run(({ query }) => query(text, ...args)),
      ),
    transaction: (work) => {
      let changes = false
      const inside = ({ query, exec }: Statements): Statements => ({
        query: async (text, ...args) => {
          changes ||= mayWrite(text)
          if (engine !== undefined && room.isLow(engine.logBytes())) throw new DiskFullError(room.reason())
          return query(text, ...args).catch((error: unknown) => {
            throw explained(error)
          })
        },
        exec: (text) => {
          changes = true
          return exec(text)
        },
      })
      return counted(
        () => changes,
        run(({ transaction }) => transaction((statements) => work(inside(statements)))),
      )
    },
    writes: () => writes,
    fault: () => {
      const death = engine === undefined ? away : engine.death()
      if (engine === undefined || death !== undefined) return `the embedded database stopped: ${death}`
      return room.isLow(engine.logBytes()) ? room.reason() : failed
    },
    close: async () => {
      stopping.abort()
      if (engine === undefined) return
      await (engine.death() === undefined ? engine.close() : engine.abandon())
    },
  }
}
