// Other programs on the UDP ports of Bootwright, from proc(5). Only Linux has it.
import { readdir, readFile, readlink } from 'node:fs/promises'
import { dhcpPorts } from '../../lib/dhcp/option-codes.ts'
import { type Finding, fault, pass } from '../finding.ts'
import type { ServerContext } from './context.ts'

/** A UDP socket: its own address, port and inode. */
export type UdpSocket = { address: string; port: number; inode: string }

const check = 'UDP ports'

export async function checkPorts({ tftp, proxyDhcp }: ServerContext): Promise<Finding[]> {
  const findings: Finding[] = []
  if (tftp.configured !== undefined && tftp.listening === undefined) {
    const where = `UDP port ${tftp.configured.port}`
    findings.push(fault({ check: 'TFTP', where }, 'BW-TFTP-CLOSED', 'TFTP could not listen at its port'))
  }
  const table = await readFile('/proc/net/udp', 'utf8').catch(() => undefined)
  const subject = { check, where: 'this server' }
  if (table === undefined)
    return [...findings, fault(subject, 'BW-CHECK', '/proc/net/udp cannot be read', { state: 'unknown' })]
  const own = await ownInodes()
  const used = [
    ...(tftp.configured === undefined ? [] : [tftp.configured.port]),
    ...(proxyDhcp.length > 0 ? [dhcpPorts.server, dhcpPorts.bootServer] : []),
  ]
  const foreign = parseUdpTable(table).filter(({ port, inode }) => used.includes(port) && !own.has(inode))
  for (const { address, port, inode } of foreign) {
    const owner = await findOwner(inode)
    const seen = `another program${owner === undefined ? '' : ` (${owner})`} listens at ${address}:${port}`
    findings.push(
      fault({ check, where: `UDP port ${port}` }, 'BW-PORT-TAKEN', seen, {
        // Broadcasts reach both programs, and unicasts only one.
        state: port === dhcpPorts.server ? 'warning' : 'error',
      }),
    )
  }
  if (findings.length > 0) return findings
  return [pass(subject, used.length === 0 ? 'TFTP and proxyDHCP are off' : `only Bootwright has ${used.join(', ')}`)]
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

async function ownInodes(folder = '/proc/self/fd'): Promise<Set<string>> {
  const names = await readdir(folder).catch(() => [])
  const targets = await Promise.all(names.map((name) => readlink(`${folder}/${name}`).catch(() => '')))
  return new Set(targets.flatMap((target) => /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []))
}

/** The name and the process id of the program that holds a socket, if this process may see it. */
async function findOwner(inode: string): Promise<string | undefined> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  for (const pid of pids) {
    if (!(await ownInodes(`/proc/${pid}/fd`)).has(inode)) continue
    const name = await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')
    return `${name.trim()}, process ${pid}`
  }
  return undefined
}
