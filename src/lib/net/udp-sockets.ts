// UDP sockets of other programs on this host, from proc(5). Only Linux has it.
import { readdir, readFile, readlink } from 'node:fs/promises'
import { basename } from 'node:path'

/** A UDP socket: its own address, port and inode. */
export type UdpSocket = { address: string; port: number; inode: string }

/** Maximum processes to search. */
const maxProcesses = 10_000

/**
 * The sockets of other programs at these ports, each with its program: `dnsmasq (process 812)`. A program whose process cannot
 * be read, for lack of permission, is `another program`. Undefined if the system has no list of sockets.
 */
export async function findForeignSockets(
  ports: readonly number[],
): Promise<(UdpSocket & { program: string })[] | undefined> {
  const table = await readFile('/proc/net/udp', 'utf8').catch(() => undefined)
  if (table === undefined) return undefined
  const sockets = parseUdpTable(table).filter(({ port }) => ports.includes(port))
  if (sockets.length === 0) return []
  const own = await socketInodes('self')
  const foreign = sockets.filter(({ inode }) => !own.has(inode))
  const programs = await findPrograms(new Set(foreign.map(({ inode }) => inode)))
  return foreign.map((socket) => ({ ...socket, program: programs.get(socket.inode) ?? 'another program' }))
}

/**
 * The lines of /proc/net/udp (proc(5)): the second word is the own address and port in hexadecimal, the address in the order of
 * a little-endian processor; the tenth is the inode.
 */
export function parseUdpTable(text: string): UdpSocket[] {
  return text.split('\n').flatMap((line) => {
    const words = line.trim().split(/\s+/)
    const [, address = '', port = ''] = /^([0-9A-F]{8}):([0-9A-F]{4})$/.exec(words[1] ?? '') ?? []
    const inode = words[9]
    if (address === '' || inode === undefined) return []
    return [{ address: [...Buffer.from(address, 'hex')].reverse().join('.'), port: Number.parseInt(port, 16), inode }]
  })
}

/** The programs that hold these sockets, by inode. */
async function findPrograms(inodes: Set<string>): Promise<Map<string, string>> {
  const programs = new Map<string, string>()
  const names = await readdir('/proc').catch(() => [])
  for (const pid of names.filter((name) => /^\d+$/.test(name)).slice(0, maxProcesses)) {
    if (programs.size === inodes.size) break
    const held = [...(await socketInodes(pid))].filter((inode) => inodes.has(inode))
    if (held.length === 0) continue
    const program = `${await nameOf(pid)} (process ${pid})`
    for (const inode of held) programs.set(inode, program)
  }
  return programs
}

async function socketInodes(pid: string): Promise<Set<string>> {
  const files = await readdir(`/proc/${pid}/fd`).catch(() => [])
  const targets = await Promise.all(files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(() => '')))
  return new Set(targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []))
}

/** The first word of the command. /proc/PID/comm is the name of a thread, which Node 24 calls MainThread. */
async function nameOf(pid: string): Promise<string> {
  const [command = ''] = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
  return basename(command) || 'another program'
}
