// The log of the TFTP server: that of the process, or lines to it from the thread.

/** What writes log lines; a Logger is one. */
export type TftpLog = Record<'debug' | 'info' | 'warn' | 'error', (fields: object, text: string) => void>
