import { type Logger, pino } from 'pino'
import pretty from 'pino-pretty'

export type { Logger } from 'pino'

/** Log lines are facts with fields, on standard error: JSON for programs, one coloured line each for a person at a terminal. */
export function openLog(level: string): Logger {
  const stream = process.stderr.isTTY
    ? pretty({ destination: 2, sync: true, ignore: 'pid,hostname', translateTime: 'HH:MM:ss' })
    : pino.destination({ fd: 2, sync: false })
  return pino({ level, base: null, redact: ['token', '*.token', 'secret', '*.secret'] }, stream)
}
