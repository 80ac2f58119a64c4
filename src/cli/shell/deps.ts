// The environment of commands, and how they print.
import type { Command } from 'commander'
import { asTyped, commandName } from '../../lib/typed-command.ts'
import { type Client, createClient } from './client.ts'
import { printable } from './format.ts'

/** The environment of commands. */
export type CliDeps = {
  /** Runs the server until a signal stops it. */
  serve: () => Promise<void>
  env: Record<string, string | undefined>
  /** Writes to standard output without adding a line feed. */
  out: (text: string) => void
  /** Writes to standard error. */
  err: (text: string) => void
  /** Standard input; by default that of the process. */
  stdin?: NodeJS.ReadableStream | undefined
  /** True if standard error is a terminal: progress is redrawn on one line. */
  interactive?: boolean | undefined
  /** True if standard output is a terminal: a command that watches clears the screen first. */
  screen?: boolean | undefined
  /** Sets the exit code of a command that worked, but found problems. */
  setExitCode?: ((code: number) => void) | undefined
  /** The time without data after which a download is retried; by default 60 seconds. */
  stallMs?: number | undefined
  /** The delays after attempts of a download or upload that made no progress; after the last one it fails. */
  retriesMs?: number[] | undefined
  /** The time between requests: by default 500 ms for the progress of an import, and 2 s for what boots now. */
  pollMs?: number | undefined
}

/** The client for a command's global options and the environment. */
export function clientOf(command: Command, deps: CliDeps): Client {
  const { url, token } = command.optsWithGlobals<{ url?: string; token?: string }>()
  return createClient(deps.env, { url, token })
}

/** Prints an answer: as JSON with `--json`, otherwise as formatted text. */
export function print<T>(command: Command, deps: CliDeps, answer: T, format: (answer: T) => string): void {
  const { json } = command.optsWithGlobals<{ json?: boolean }>()
  const text = json ? JSON.stringify(answer, undefined, 2) : asTyped(format(answer), commandName(deps.env))
  deps.out(`${printable(text)}\n`)
}

/** Collects the values of a repeatable option. */
export function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value]
}
