// The messages between the server and the engine of the embedded database; remote-engine.ts and serve-engine.ts use them.

/** PGlite could not start on a folder, or died. The message is that of PostgreSQL. */
export class EngineError extends Error {
  override name = 'EngineError'
}

/** A request to the engine. `session` is the transaction that the request belongs to. */
export type EngineRequest =
  | { id: number; kind: 'query'; text: string; params: unknown[]; session?: number }
  | { id: number; kind: 'exec'; text: string; session?: number }
  | { kind: 'begin'; session: number }
  | { id: number; kind: 'end'; session: number; commit: boolean }
  | { id: number; kind: 'close' }

/** The result of one statement. `rows` is a JSON array of rows; a row is an array of PostgreSQL's texts, or null. */
export type TextResult = {
  rows: string
  fields: { name: string; dataTypeID: number }[]
  affectedRows?: number
  command?: string
  rowCount?: number
}

/** An error of the engine. `fields` are those of PostgreSQL's error response (protocol-error-fields): SQLSTATE, detail, constraint. */
export type EngineFault = { message: string; fields?: Record<string, unknown> }

/** The outcome of a request, with the state of the engine after it. */
export type EngineReply = {
  id: number
  results?: TextResult[]
  fault?: EngineFault
  logBytes: number
  death: string | undefined
}

/** The first message of an engine. `arrays` are the types of arrays, each with the type of its elements. */
export type EngineStart =
  | { started: true; logBytes: number; arrays: [array: number, element: number][] }
  | { started: false; reason: string }
