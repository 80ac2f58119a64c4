import { type Logger, pino } from 'pino'
import pretty from 'pino-pretty'
import type { Config } from './config.ts'

export type { Logger } from 'pino'

/** Log lines are facts with fields, on standard error: JSON for programs, one coloured line each for a person at a terminal. */
export function openLog({ logLevel, logLevelNames }: Pick<Config, 'logLevel' | 'logLevelNames'>): Logger {
  const stream = process.stderr.isTTY
    ? pretty({ destination: 2, sync: true, translateTime: 'HH:MM:ss' })
    : pino.destination({ fd: 2, sync: false })
  // `level` by its name, for log systems that do not know pino's numbers.
  const formatters = logLevelNames ? { formatters: { level: (label: string) => ({ level: label }) } } : {}
  return pino(
    { level: logLevel, base: null, ...formatters, redact: ['token', '*.token', 'secret', '*.secret'] },
    stream,
  )
}
