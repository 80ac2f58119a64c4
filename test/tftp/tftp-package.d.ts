/** What the tests use of the npm package `tftp` 0.1.2, which has no types of its own. */
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
  export type Client = { get: (remote: string, local: string, done: (error?: Error) => void) => void }
  export function createClient(options: ClientOptions): Client
}
