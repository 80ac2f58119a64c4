import { rm } from 'node:fs/promises'
import { connect } from 'node:net'

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
