/** What the tests use of the npm package `tftp` 0.1.2, which has no types of its own. */
declare module 'tftp' {
  export type ClientOptions = {
    host: string
    port: number
    /** 1 to 65535; 4 unless given. */
    windowSize?: number
    /** 8 to 1468 in effect; 1468 unless given. */
    blockSize?: number
    /** Milliseconds until a retry; 3000 by default. */
    timeout?: number
    retries?: number
  }
  export type Client = { get: (remote: string, local: string, done: (error?: Error) => void) => void }
  export function createClient(options: ClientOptions): Client
}
