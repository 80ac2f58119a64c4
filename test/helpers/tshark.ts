import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A UDP datagram of a capture. */
export type Captured = {
  from: [address: string, port: number]
  to: [address: string, port: number]
  payload: Uint8Array
}

/** Wireshark's reading of UDP datagrams: the text of `tshark -V`, with only the layer of this protocol in detail. */
export function tsharkText(datagrams: Captured[], protocol: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'bw-tshark-'))
  try {
    const file = join(folder, 'packets.pcap')
    writeFileSync(file, formatPcap(datagrams))
    const { status, stdout, stderr, error } = spawnSync('tshark', ['-n', '-r', file, '-O', protocol], {
      encoding: 'utf8',
      env: { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder },
    })
    if (status !== 0) throw new Error(`tshark: ${error?.message ?? stderr}`)
    return stdout
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** A capture file (libpcap's savefile format, link type 101: raw IP). */
function formatPcap(datagrams: Captured[]): Buffer {
  const head = Buffer.alloc(24)
  head.writeUInt32LE(0xa1b2c3d4, 0)
  head.writeUInt16LE(2, 4)
  head.writeUInt16LE(4, 6)
  head.writeUInt32LE(65_535, 16)
  head.writeUInt32LE(101, 20)
  const records = datagrams.flatMap((datagram) => {
    const packet = formatIp(datagram)
    const record = Buffer.alloc(16)
    record.writeUInt32LE(packet.length, 8)
    record.writeUInt32LE(packet.length, 12)
    return [record, packet]
  })
  return Buffer.concat([head, ...records])
}

/** An IPv4 packet with UDP inside (RFC 791, RFC 768), without a UDP checksum. */
function formatIp({ from, to, payload }: Captured): Buffer {
  const head = Buffer.alloc(28)
  head[0] = 0x45
  head.writeUInt16BE(28 + payload.length, 2)
  head[8] = 64
  head[9] = 17
  head.set(from[0].split('.').map(Number), 12)
  head.set(to[0].split('.').map(Number), 16)
  let sum = 0
  for (let at = 0; at < 20; at += 2) sum += head.readUInt16BE(at)
  head.writeUInt16BE(0xffff - ((sum & 0xffff) + (sum >>> 16)), 10)
  head.writeUInt16BE(from[1], 20)
  head.writeUInt16BE(to[1], 22)
  head.writeUInt16BE(8 + payload.length, 24)
  return Buffer.concat([head, payload])
}
