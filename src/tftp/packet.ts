// TFTP packets, read and written. Pure.
/**
 * A read or write request: RFC 1350 section 5, with the options of RFC 2347. Option names in lower case, the first of
 * each.
 */
export type TftpRequest = { kind: 'read' | 'write'; file: Buffer; mode: string; options: Map<string, string> }

/** What a client says during a transfer. */
export type TftpReply = { kind: 'ack'; block: number } | { kind: 'error'; code: number; message: string }

/** Error codes of RFC 1350 (appendix I) that we send. */
export const errorCodes = { undefined: 0, notFound: 1, accessViolation: 2, unknownTransfer: 5 } as const

const opcodes = { read: 1, write: 2, data: 3, ack: 4, error: 5, oack: 6 } as const

/** Longest request that is looked at. RFC 2347 allows 512 bytes; UEFI sends long paths with four options. */
const longestRequest = 1500
const mostOptions = 16

/** A datagram to the listening port; undefined if it is not a request; then it gets no answer. */
export function parseRequest(datagram: Buffer): TftpRequest | undefined {
  if (datagram.length < 6 || datagram.length > longestRequest) return undefined
  const opcode = datagram.readUInt16BE(0)
  if (opcode !== opcodes.read && opcode !== opcodes.write) return undefined
  const fields = terminatedFields(datagram.subarray(2))
  const [file, mode, ...rest] = fields
  if (file === undefined || file.length === 0 || mode === undefined) return undefined
  const options = new Map<string, string>()
  for (let at = 0; at + 1 < rest.length && options.size < mostOptions; at += 2) {
    const name = rest[at]?.toString('latin1').toLowerCase() ?? ''
    if (!options.has(name)) options.set(name, rest[at + 1]?.toString('latin1') ?? '')
  }
  return {
    kind: opcode === opcodes.read ? 'read' : 'write',
    file,
    mode: mode.toString('latin1').toLowerCase(),
    options,
  }
}

/** A datagram to a transfer; undefined for anything that is neither ACK nor ERROR, which is ignored. */
export function parseReply(datagram: Buffer): TftpReply | undefined {
  if (datagram.length < 4) return undefined
  const opcode = datagram.readUInt16BE(0)
  if (opcode === opcodes.ack) return { kind: 'ack', block: datagram.readUInt16BE(2) }
  if (opcode !== opcodes.error) return undefined
  const message = datagram
    .subarray(4, 132)
    .toString('latin1')
    .replace(/\0.*$/s, '')
    .replaceAll(/[^\x20-\x7e]/g, '?')
  return { kind: 'error', code: datagram.readUInt16BE(2), message }
}

/** DATA; the block number wraps to 0 after 65535. */
export function formatData(block: number, bytes: Uint8Array): Buffer {
  const packet = Buffer.allocUnsafe(4 + bytes.length)
  packet.writeUInt16BE(opcodes.data, 0)
  packet.writeUInt16BE(block & 0xffff, 2)
  packet.set(bytes, 4)
  return packet
}

export function formatOack(options: [name: string, value: string][]): Buffer {
  const text = options.map(([name, value]) => `${name}\0${value}\0`).join('')
  return Buffer.concat([Buffer.from([0, opcodes.oack]), Buffer.from(text, 'latin1')])
}

export function formatError(code: number, message: string): Buffer {
  return Buffer.concat([Buffer.from([0, opcodes.error, 0, code]), Buffer.from(`${message}\0`, 'latin1')])
}

// Only fields that a zero byte ends: a request cut short has an unfinished last one.
function terminatedFields(bytes: Buffer): Buffer[] {
  const fields: Buffer[] = []
  for (let start = 0; fields.length < 2 + 2 * mostOptions; ) {
    const end = bytes.indexOf(0, start)
    if (end < 0) break
    fields.push(bytes.subarray(start, end))
    start = end + 1
  }
  return fields
}
