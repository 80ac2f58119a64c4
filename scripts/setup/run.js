import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** The folder of the repository, with a trailing slash. */
export const repository = fileURLToPath(new URL('../..', import.meta.url))

/**
 * Runs a program in the folder of the repository, waits for its end, and returns its standard output.
 * Its standard error appears only in the error of a failure.
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string>, timeoutMs?: number }} [options]
 * @returns {string}
 * @throws {Error} with the last lines of output
 */
export function run(program, args, { cwd = repository, env = {}, timeoutMs = 600_000 } = {}) {
  const options = { cwd, env: { ...process.env, ...env }, timeout: timeoutMs, maxBuffer: 2 ** 28 }
  const { status, signal, error, stdout, stderr } = spawnSync(program, args, { ...options, encoding: 'utf8' })
  if (status === 0) return stdout
  const reason = error?.message ?? (signal ? `ended by ${signal}` : `exit code ${status}`)
  const tail = `${stdout}\n${stderr}`.trim().split('\n').slice(-15).join('\n')
  throw new Error(`${[program, ...args].join(' ')}: ${reason}\n${tail}`)
}
