import { rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { join, relative, resolve } from 'node:path'

/**
 * The admin listener's Unix socket in the data folder, for the operator on this machine: who may open the file needs no
 * token. Undefined when its path is too long.
 */
export function adminSocketPath(dataDir: string): string | undefined {
  return socketPathIn(dataDir, 'admin.sock')
}

/** A socket in the data folder by the shorter spelling of its path; undefined when that is longer than 107 bytes (unix(7)). */
export function socketPathIn(dataDir: string, name: string): string | undefined {
  const absolute = join(resolve(dataDir), name)
  const paths = [absolute, relative(process.cwd(), absolute)].filter((path) => Buffer.byteLength(path) <= 107)
  return paths.sort((a, b) => a.length - b.length)[0]
}

/** True when a server answers there; the file that a killed one left behind is removed. */
export async function isSocketTaken(path: string): Promise<boolean> {
  const answers = await new Promise<boolean>((resolve) => {
    const socket = connect(path)
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.setTimeout(2000, () => resolve(true))
    socket.once('connect', () => socket.destroy()).once('timeout', () => socket.destroy())
  })
  if (!answers) await rm(path, { force: true })
  return answers
}
