// The admin listener's Unix socket in the data folder. A user who can open its file needs no token.
import { rm } from 'node:fs/promises'
import { connect } from 'node:net'

/**
 * Whether a server accepts connections on the socket. If not, removes the file, which a killed server may have left
 * behind.
 */
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
