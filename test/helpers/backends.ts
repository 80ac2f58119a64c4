import { readdirSync, readFileSync } from 'node:fs'

/** Sends a signal to the PostgreSQL backends that serve clients: child processes of the server, found by their titles. */
export function signalBackends(serverPid: number, signal: NodeJS.Signals): number {
  const backends = childrenOf(serverPid).filter((pid) => titleOf(pid).includes('127.0.0.1('))
  for (const pid of backends) process.kill(pid, signal)
  return backends.length
}

function childrenOf(parent: number): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.map(Number).filter((pid) => {
    try {
      return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) === parent
    } catch {
      return false
    }
  })
}

function titleOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}
