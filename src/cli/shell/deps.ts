// What commands need of the outside world, and how they print.
import type { Command } from 'commander'
import { asTyped, commandName } from '../../lib/typed-command.ts'
import { type Client, createClient } from './client.ts'
import { printable } from './format.ts'

/** What the commands need of the outside world. */
export type CliDeps = {
  /** Runs the server until it is told to stop. */
  serve: () => Promise<void>
  env: Record<string, string | undefined>
  /** Writes to standard output, as it is: a line brings its own line feed. */
  out: (text: string) => void
  /** Writes to standard error. */
  err: (text: string) => void
  /** Standard input; that of the process when undefined. */
  stdin?: NodeJS.ReadableStream | undefined
  /** Standard error is a terminal: progress is redrawn on one line. */
  interactive?: boolean | undefined
  /** A download without a byte for this long is tried again; 60 seconds when undefined. */
  stallMs?: number | undefined
  /** How long to wait after each try of a download or upload that brought nothing; after the last it is given up. */
  retriesMs?: number[] | undefined
  /** How often it is asked how far an import is; twice a second when undefined. */
  pollMs?: number | undefined
}

/** The client that a command's global options and the environment ask for. */
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

/** For options that may be given several times: the values so far, with one more. */
export function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value]
}
