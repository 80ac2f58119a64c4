import { rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { join, relative, resolve } from 'node:path'

/**
 * The admin listener's Unix socket in the data folder, for the operator on this machine: who may open the file needs no
 * token. A socket's path may have 107 bytes (unix(7)), so the shorter spelling is used; undefined when both are longer.
 */
export function adminSocketPath(dataDir: string): string | undefined {
  const absolute = join(resolve(dataDir), 'admin.sock')
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
