#!/usr/bin/env node
// The program: runs a command and sets the exit code.
import { messageOf } from './lib/errors.ts'
import { asTyped, commandName } from './lib/typed-command.ts'
import { requireDescriptors } from './server/http/descriptors.ts'

// Standard output may be a pipe that its reader has closed (`| head`). That is not a failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

try {
  // Node loads all modules at once. If no descriptor is free, its error says that a module is missing.
  requireDescriptors()
  const { createProgram } = await import('./cli/program.ts')
  const program = createProgram({
    serve: async () => (await import('./server/serve.ts')).serve(process.env),
    env: process.env,
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    interactive: process.stderr.isTTY,
    screen: process.stdout.isTTY,
    setExitCode: (code) => {
      process.exitCode = code
    },
  })
  await program.parseAsync(process.argv)
} catch (error) {
  const code = (error as { exitCode?: unknown }).exitCode
  // Commander has already printed its error.
  if (typeof code === 'number') process.exit(code === 0 ? 0 : 2)
  process.stderr.write(`bootwright: ${asTyped(messageOf(error), commandName(process.env))}\n`)
  process.exit(1)
}
