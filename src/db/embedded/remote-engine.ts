// The server's end of the protocol: an engine whose statements run in its thread. client.ts queries it.

import type { MessagePort, Worker } from 'node:worker_threads'
import { messages, type PGlite, type Results, types } from '@electric-sql/pglite'
import {
  EngineError,
  type EngineFault,
  type EngineReply,
  type EngineRequest,
  type EngineStart,
  type TextResult,
} from './protocol.ts'

type Options = Parameters<PGlite['query']>[2]
type Parser = (text: string) => unknown

/** Statements on an engine or inside one of its transactions. */
export type Statements = {
  query: (text: string, params?: unknown[], options?: Options) => Promise<Results>
  exec: (text: string) => Promise<Results[]>
}

/** PostgreSQL in a thread, until it dies. A result arrives when all changes before it are on the disk. */
export type Engine = Statements & {
  /** Commits when `work` resolves, and rolls back when it rejects. */
  transaction: <T>(work: (transaction: Statements) => Promise<T>) => Promise<T>
  /** Bytes written to the write-ahead log since this engine was started, as of its last answer. */
  logBytes: () => number
  /** Why the engine cannot be used any longer; undefined while it works. */
  death: () => string | undefined
  /** Resolves when the engine has died. */
  died: Promise<void>
  close: () => Promise<void>
  /** Ends the thread of a dead engine, which closes its files. */
  abandon: () => Promise<void>
}

/** The way to an engine: its port, and the thread behind the port. */
export type EngineLink = {
  port: MessagePort | Worker
  /** Hears that the thread has ended, and why. */
  onEnd: (hear: (reason: string) => void) => void
  /** Ends the thread. */
  end: () => Promise<void>
}

type WithoutId<Request> = Request extends { id: number } ? Omit<Request, 'id'> : never
type Waiting = { resolve: (results: TextResult[]) => void; reject: (error: Error) => void }

/** Waits until the engine behind a link has started. @throws EngineError if it cannot start */
export async function connectEngine(link: EngineLink): Promise<Engine> {
  const { port } = link
  const waiting = new Map<number, Waiting>()
  let [lastId, lastSession, logBytes] = [0, 0, 0]
  let death: string | undefined
  let notify: () => void = () => {}
  const died = new Promise<void>((resolve) => {
    notify = resolve
  })
  const die = (reason: string) => {
    death ??= reason
    for (const { reject } of waiting.values()) reject(new EngineError(death))
    waiting.clear()
    port.unref()
    notify()
  }

  const started = await new Promise<EngineStart & { started: true }>((resolve, reject) => {
    let refusal: string | undefined
    link.onEnd((reason) => {
      die(refusal ?? reason)
      reject(new EngineError(refusal ?? reason))
    })
    port.on('message', (message: EngineStart | EngineReply) => {
      if (!('started' in message)) return receive(message)
      if (message.started) return resolve(message)
      refusal = message.reason
      link.end().catch(reject)
    })
  })
  logBytes = started.logBytes
  const parsers = parsersOf(started.arrays)
  // A server that only waits for requests may exit: the thread alone does not keep the process running.
  port.unref()

  const receive = (reply: EngineReply) => {
    logBytes = reply.logBytes
    const asked = waiting.get(reply.id)
    waiting.delete(reply.id)
    if (waiting.size === 0) port.unref()
    if (reply.death !== undefined) {
      death ??= reply.death
      notify()
    }
    if (reply.fault === undefined) asked?.resolve(reply.results ?? [])
    else asked?.reject(errorOf(reply.fault))
  }
  const request = (asked: WithoutId<EngineRequest>): Promise<TextResult[]> =>
    new Promise((resolve, reject) => {
      if (death !== undefined) return reject(new EngineError(death))
      const id = ++lastId
      port.postMessage({ id, ...asked } as EngineRequest)
      if (waiting.size === 0) port.ref()
      waiting.set(id, { resolve, reject })
    })
  const statements = (within: { session?: number }): Statements => ({
    query: async (text, params = [], options) => {
      const [result] = await request({ kind: 'query', text, params, ...within }).catch((error: unknown) => {
        throw error instanceof messages.DatabaseError ? Object.assign(error, { query: text, params }) : error
      })
      return parse(result as TextResult, parsers, options)
    },
    exec: async (text) => (await request({ kind: 'exec', text, ...within })).map((result) => parse(result, parsers)),
  })

  return {
    ...statements({}),
    transaction: async (work) => {
      const session = ++lastSession
      if (death !== undefined) throw new EngineError(death)
      port.postMessage({ kind: 'begin', session })
      const result = await work(statements({ session })).catch(async (error: unknown) => {
        await request({ kind: 'end', session, commit: false }).catch(() => {})
        throw error
      })
      await request({ kind: 'end', session, commit: true })
      return result
    },
    logBytes: () => logBytes,
    death: () => death,
    died,
    close: async () => {
      await request({ kind: 'close' })
      await link.end()
    },
    abandon: link.end,
  }
}

/** Readers of PostgreSQL's texts by the number of the type, as PGlite uses them. */
function parsersOf(arrays: [number, number][]): Record<number, Parser> {
  const parsers: Record<number, Parser> = { ...types.parsers }
  for (const [array, element] of arrays)
    parsers[array] = (text) => types.arrayParser(text, parsers[element] as Parser, array)
  return parsers
}

function parse({ rows, ...result }: TextResult, parsers: Record<number, Parser>, options?: Options): Results {
  const texts = JSON.parse(rows) as (string | null)[][]
  const { fields } = result
  const readers = fields.map(({ dataTypeID }) => options?.parsers?.[dataTypeID] ?? parsers[dataTypeID])
  const read = (text: string | null, column: number) => {
    const reader = readers[column]
    return text === null || reader === undefined ? text : reader(text)
  }
  const asArray = options?.rowMode === 'array'
  const parsed = texts.map((row) => {
    const values = row.map(read)
    return asArray ? values : Object.fromEntries(values.map((value, column) => [fields[column]?.name, value]))
  })
  return { ...result, rows: parsed as Results['rows'] }
}

function errorOf({ message, fields }: EngineFault): Error {
  if (fields === undefined) return new Error(message)
  return Object.assign(new messages.DatabaseError(message, 0, 'error'), fields)
}
