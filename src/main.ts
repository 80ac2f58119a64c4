#!/usr/bin/env node
import { createProgram } from './cli/program.ts'
import { messageOf } from './errors.ts'
import { serve } from './serve.ts'

// Standard output may be a pipe that its reader closed (`| head`): that is no error of ours.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

const program = createProgram({
  serve: () => serve(process.env),
  env: process.env,
  out: (text) => process.stdout.write(text),
  err: (text) => process.stderr.write(text),
  interactive: process.stderr.isTTY,
})

program.parseAsync(process.argv).catch((error: unknown) => {
  const code = (error as { exitCode?: unknown }).exitCode
  // Commander has already written what it throws.
  if (typeof code === 'number') process.exit(code === 0 ? 0 : 2)
  process.stderr.write(`bootwright: ${messageOf(error)}\n`)
  process.exit(1)
})
