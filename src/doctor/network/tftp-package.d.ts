/** The used part of the npm package `tftp` 0.1.2, which has no types of its own. */
declare module 'tftp' {
  export type ClientOptions = {
    host: string
    port: number
    /** 1 to 65535; 4 unless given. */
    windowSize?: number
    /** 8 to 1468; the default is 1468. */
    blockSize?: number
    /** Milliseconds until a retry; the default is 3000. */
    timeout?: number
    retries?: number
  }
  export type TransferStats = { blockSize: number; size: number | null; remoteAddress: string; remotePort: number }
  export interface GetStream extends NodeJS.ReadableStream {
    on(event: 'stats', listen: (stats: TransferStats) => void): this
    on(event: 'error', listen: (error: Error) => void): this
    on(event: 'data', listen: (bytes: Buffer) => void): this
    on(event: 'end' | 'abort', listen: () => void): this
    abort: () => void
  }
  export type Client = {
    get: (remote: string, local: string, done: (error?: Error) => void) => void
    createGetStream: (remote: string) => GetStream
  }
  export function createClient(options: ClientOptions): Client
}
