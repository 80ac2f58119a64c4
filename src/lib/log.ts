// The server's log: pino, without tokens in its lines.
import { type DestinationStream, type Logger, pino } from 'pino'
import { isColorSupported, prettyFactory } from 'pino-pretty'
import { openLogOutput } from './log-output.ts'

export type { Logger } from 'pino'

/** Opens the log on standard error: JSON for programs, coloured text for a person at a terminal. */
export function openLog({ level, levelNames }: { level: string; levelNames: boolean }): Logger {
  return createLog(level, process.stderr.isTTY ? openTerminal() : openFile(levelNames), levelNames)
}

function openTerminal(): DestinationStream {
  const formatLine = prettyFactory({ colorize: isColorSupported, translateTime: 'HH:MM:ss' })
  // If the terminal was closed, each write fails with EIO.
  process.stderr.on('error', () => {})
  return { write: (line) => void process.stderr.write(formatLine(line)) }
}

function openFile(levelNames: boolean): DestinationStream {
  let notice = ''
  const noticeLog = createLog('warn', { write: (line) => (notice = line) }, levelNames)
  return openLogOutput(2, (lines, reason) => {
    noticeLog.warn({ lines, error: reason }, 'log lines were dropped because they could not be written')
    return notice
  })
}

/** A log that removes tokens from every part of its lines: from paths, error messages and the reports of machines. */
export function createLog(level: string, stream: DestinationStream, levelNames = false): Logger {
  return pino(
    {
      level,
      base: null,
      formatters: {
        log: (fields) => withoutTokens(fields) as Record<string, unknown>,
        // The name of the level, for log systems that do not know pino's numbers.
        ...(levelNames && { level: (label: string) => ({ level: label }) }),
      },
      hooks: {
        logMethod(args, method) {
          method.apply(this, args.map((arg) => (typeof arg === 'string' ? redactTokens(arg) : arg)) as typeof args)
        },
      },
    },
    stream,
  )
}

/** The shortest text in which a word may be a token: `/b/` and eight characters. */
const minRedactedLength = 11

/**
 * Replaces each token in a text by `…`: a token of a boot (43 characters of base64url), a token of an operator
 * (`bw_…`), and in a path any word in the position of a token.
 */
export function redactTokens(text: string): string {
  if (text.length < minRedactedLength) return text
  return text.replaceAll(
    /(?<=\/b\/)[^/?\s"']{8,}|(?<![\w-])(bw_)?[\w-]{43}(?![\w-])/g,
    (_, prefix = '') => `${prefix}…`,
  )
}

/** A path for a log line: without its query and tokens, at most 200 characters, in ASCII. */
export function pathForLog(url: string): string {
  const path = redactTokens(url.split(/[?#]/, 1)[0] ?? '').replaceAll(/[^\x21-\x7e…]/g, '�')
  return path.length > 200 ? `${path.slice(0, 200)}…` : path
}

const maxDepth = 5

function withoutTokens(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactTokens(value)
  if (value === null || typeof value !== 'object' || value instanceof Date) return value
  if (depth === maxDepth) return '…'
  if (value instanceof Error) return redactTokens(value.message)
  if (Array.isArray(value)) return value.map((item) => withoutTokens(item, depth + 1))
  const fields: Record<string, unknown> = {}
  for (const [name, item] of Object.entries(value))
    fields[name] = name === 'token' || name === 'secret' ? '…' : withoutTokens(item, depth + 1)
  return fields
}
