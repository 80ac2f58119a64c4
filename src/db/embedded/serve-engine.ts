// The engine's end of the protocol; thread.ts and start-engine.ts run it in the thread of the engine.

import type { MessagePort } from 'node:worker_threads'
import { messages, type Results, type Transaction } from '@electric-sql/pglite'
import { messageOf } from '../../lib/errors.ts'
import type { LocalEngine } from './local-engine.ts'
import type { EngineFault, EngineReply, EngineRequest, EngineStart, TextResult } from './protocol.ts'

/** A transaction of the server. */
type Session = {
  transaction: Promise<Transaction>
  end: (commit: boolean) => Promise<unknown>
}

/** Starts an engine and answers requests until `close`, or sends why the engine cannot start. */
export async function serveEngine(
  port: MessagePort,
  start: () => Promise<LocalEngine>,
  closed: () => void,
): Promise<void> {
  const send = (message: EngineReply | EngineStart) => port.postMessage(message)
  let engine: LocalEngine
  try {
    engine = await start()
    send({ started: true, logBytes: engine.logBytes(), arrays: await readArrays(engine) })
  } catch (error) {
    send({ started: false, reason: messageOf(error) })
    return closed()
  }
  const answer = answerer(engine)
  port.on('message', async (request: EngineRequest) => {
    const reply = await answer(request)
    if (reply !== undefined) send(reply)
    if (request.kind === 'close') closed()
  })
}

function answerer(engine: LocalEngine): (request: EngineRequest) => Promise<EngineReply | undefined> {
  const { client } = engine
  const sessions = new Map<number, Session>()
  const requireSession = (session: number) => {
    const open = sessions.get(session)
    if (open === undefined) throw new Error(`there is no transaction ${session}`)
    return open
  }

  const work = async (request: Exclude<EngineRequest, { kind: 'begin' }>): Promise<Results[]> => {
    if (request.kind === 'close') {
      await client.close()
      return []
    }
    if (request.kind === 'end') {
      const { end } = requireSession(request.session)
      sessions.delete(request.session)
      await end(request.commit)
      return []
    }
    const target = request.session === undefined ? client : await requireSession(request.session).transaction
    if (request.kind === 'exec') return target.exec(request.text, { rowMode: 'array' })
    return [await target.query(request.text, request.params, { rowMode: 'array' })]
  }

  // Statements inside a transaction are on the disk when the transaction is. Every other result waits, also that of a
  // read or an error, because it may show data that is not on the disk yet.
  const settled = async (request: Exclude<EngineRequest, { kind: 'begin' }>): Promise<Results[]> => {
    if (request.kind === 'close' || (request.kind !== 'end' && request.session !== undefined)) return work(request)
    try {
      const results = await work(request)
      await engine.settle()
      return results
    } catch (error) {
      if (engine.death() === undefined) await engine.settle().catch(() => {})
      throw error
    }
  }

  return async (request) => {
    if (request.kind === 'begin') {
      sessions.set(request.session, begin(engine))
      return undefined
    }
    const outcome = await settled(request).then(
      (results) => ({ results: results.map(textOf) }),
      (error: unknown) => ({ fault: faultOf(error) }),
    )
    return { id: request.id, ...outcome, logBytes: engine.logBytes(), death: engine.death() }
  }
}

function begin({ client }: LocalEngine): Session {
  let end: (commit: boolean) => void = () => {}
  const ended = new Promise<boolean>((resolve) => {
    end = resolve
  })
  let opened: (transaction: Transaction) => void = () => {}
  const transaction = new Promise<Transaction>((resolve) => {
    opened = resolve
  })
  const done = client.transaction(async (open) => {
    opened(open)
    if (!(await ended)) await open.rollback()
  })
  // If the transaction cannot begin, its requests report why.
  const usable = Promise.race([transaction, done.then(() => transaction)])
  usable.catch(() => {})
  return {
    transaction: usable,
    end: (commit) => {
      end(commit)
      return done
    },
  }
}

/** The types of arrays, as PGlite finds them (its base.ts). */
async function readArrays({ client }: LocalEngine): Promise<[number, number][]> {
  const { rows } = await client.query<[string, string]>(
    `select typarray, oid from pg_type where oid in (select typelem from pg_type where typcategory = 'A') and typarray <> 0`,
    [],
    { rowMode: 'array' },
  )
  return rows.map(([array, element]) => [Number(array), Number(element)])
}

function textOf({ rows, fields, affectedRows, command, rowCount }: Results): TextResult {
  return {
    rows: JSON.stringify(rows),
    fields,
    ...(affectedRows !== undefined && { affectedRows }),
    ...(command !== undefined && { command }),
    ...(rowCount !== undefined && { rowCount }),
  }
}

function faultOf(error: unknown): EngineFault {
  if (!(error instanceof messages.DatabaseError)) return { message: messageOf(error) }
  const { query: _query, params: _params, queryOptions: _options, ...fields } = { ...error } as Record<string, unknown>
  return { message: error.message, fields }
}
