// What commands need of the outside world, and how they print.
import type { Command } from 'commander'
import { asTyped, commandName } from '../../lib/typed-command.ts'
import { type Client, createClient } from './client.ts'
import { printable } from './format.ts'

/** The outside world of the commands. */
export type CliDeps = {
  /** Runs the server until a signal stops it. */
  serve: () => Promise<void>
  env: Record<string, string | undefined>
  /** Writes to standard output unchanged: a line includes its line feed. */
  out: (text: string) => void
  /** Writes to standard error. */
  err: (text: string) => void
  /** Standard input; that of the process when undefined. */
  stdin?: NodeJS.ReadableStream | undefined
  /** Standard error is a terminal: progress is redrawn on one line. */
  interactive?: boolean | undefined
  /** Time without a byte before a download is retried; 60 seconds if undefined. */
  stallMs?: number | undefined
  /** Waits between retries of a download or upload that made no progress; it fails after the last. */
  retriesMs?: number[] | undefined
  /** Time between looks at an import's progress; half a second if undefined. */
  pollMs?: number | undefined
}

/** The client for a command's global options and environment. */
export function clientOf(command: Command, deps: CliDeps): Client {
  const { url, token } = command.optsWithGlobals<{ url?: string; token?: string }>()
  return createClient(deps.env, { url, token })
}

/** Prints an answer: as JSON with `--json`, else as the text made of it. */
export function print<T>(command: Command, deps: CliDeps, answer: T, format: (answer: T) => string): void {
  const { json } = command.optsWithGlobals<{ json?: boolean }>()
  const text = json ? JSON.stringify(answer, undefined, 2) : asTyped(format(answer), commandName(deps.env))
  deps.out(`${printable(text)}\n`)
}

/** For options that may be repeated: the values so far and the next. */
export function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value]
}
