// Which programs use a UDP port of this host.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Maximum processes to search. The search runs only at startup. */
const maxProcesses = 10_000

/** The sockets at a port in the text of /proc/net/udp (proc(5)): their inode numbers. */
export function parsePortUsers(text: string, port: number): string[] {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0')
  return text
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local]) => local?.endsWith(`:${hexPort}`))
    .map((fields) => fields[9] ?? '')
}

/**
 * The programs with a socket at a UDP port, without this process: `dnsmasq (process 812)`. A program whose process cannot be
 * read, for lack of permission, is `another program`. Undefined if no program uses the port.
 */
export function findPortUsers(port: number): string | undefined {
  const inodes = new Set(parsePortUsers(readText('/proc/net/udp'), port))
  if (inodes.size === 0) return undefined
  const names: string[] = []
  for (const process of list('/proc')
    .filter((name) => /^\d+$/.test(name))
    .slice(0, maxProcesses)) {
    const own = list(`/proc/${process}/fd`).map((file) => inodeOf(`/proc/${process}/fd/${file}`))
    const held = own.filter((inode) => inode !== undefined && inodes.has(inode))
    for (const inode of held) inodes.delete(inode as string)
    if (held.length > 0 && process !== String(globalThis.process.pid))
      names.push(`${readText(`/proc/${process}/comm`).trim()} (process ${process})`)
  }
  if (inodes.size > 0) names.push('another program')
  return names.length === 0 ? undefined : names.join(', ')
}

function inodeOf(link: string): string | undefined {
  try {
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(link))?.[1]
  } catch {
    return undefined
  }
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}
