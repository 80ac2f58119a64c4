// Parses and formats TFTP packets. Pure.

/** A read or write request (RFC 1350, 5) with options (RFC 2347). Option names are in lower case. */
export type TftpRequest = { kind: 'read' | 'write'; file: Buffer; mode: string; options: Map<string, string> }

/** An ERROR from the client during a transfer. */
export type TftpError = { code: number; message: string }

/** The error codes of RFC 1350 (appendix I) that the server sends. */
export const errorCodes = { undefined: 0, notFound: 1, accessViolation: 2, unknownTransfer: 5 } as const

const opcodes = { read: 1, write: 2, data: 3, ack: 4, error: 5, oack: 6 } as const

/** Maximum size of a request. RFC 2347 allows 512 bytes, but UEFI sends long paths with four options. */
const maxRequestBytes = 1500
const maxOptions = 16

/** Parses a datagram to the listening port; undefined if it is not a request. Such datagrams get no answer. */
export function parseRequest(datagram: Buffer): TftpRequest | undefined {
  if (datagram.length < 6 || datagram.length > maxRequestBytes) return undefined
  const opcode = datagram.readUInt16BE(0)
  if (opcode !== opcodes.read && opcode !== opcodes.write) return undefined
  const fields = terminatedFields(datagram.subarray(2))
  const [file, mode, ...optionFields] = fields
  if (file === undefined || file.length === 0 || mode === undefined) return undefined
  const options = new Map<string, string>()
  for (let at = 0; at + 1 < optionFields.length && options.size < maxOptions; at += 2) {
    const name = optionFields[at]?.toString('latin1').toLowerCase() ?? ''
    if (!options.has(name)) options.set(name, optionFields[at + 1]?.toString('latin1') ?? '')
  }
  return {
    kind: opcode === opcodes.read ? 'read' : 'write',
    file,
    mode: mode.toString('latin1').toLowerCase(),
    options,
  }
}

/** The block number of an ACK; undefined if the datagram is something else. */
export function ackBlock(datagram: Buffer): number | undefined {
  if (datagram.length < 4 || datagram[0] !== 0 || datagram[1] !== opcodes.ack) return undefined
  return datagram.readUInt16BE(2)
}

/** Parses an ERROR to a transfer; undefined if the datagram is something else. */
export function parseError(datagram: Buffer): TftpError | undefined {
  if (datagram.length < 4 || datagram.readUInt16BE(0) !== opcodes.error) return undefined
  const message = datagram
    .subarray(4, 132)
    .toString('latin1')
    .replace(/\0.*$/s, '')
    .replaceAll(/[^\x20-\x7e]/g, '?')
  return { code: datagram.readUInt16BE(2), message }
}

/** The bytes of a DATA packet before its data: opcode and block number. */
export const dataHeaderBytes = 4

/** Writes DATA into memory and returns where it ends. The block number wraps to 0 after 65535. */
export function writeData(memory: Buffer, at: number, block: number, bytes: Uint8Array): number {
  memory[at] = 0
  memory[at + 1] = opcodes.data
  memory[at + 2] = (block >> 8) & 0xff
  memory[at + 3] = block & 0xff
  memory.set(bytes, at + dataHeaderBytes)
  return at + dataHeaderBytes + bytes.length
}

export function formatOack(options: [name: string, value: string][]): Buffer {
  const text = options.map(([name, value]) => `${name}\0${value}\0`).join('')
  return Buffer.concat([Buffer.from([0, opcodes.oack]), Buffer.from(text, 'latin1')])
}

export function formatError(code: number, message: string): Buffer {
  return Buffer.concat([Buffer.from([0, opcodes.error, 0, code]), Buffer.from(`${message}\0`, 'latin1')])
}

// Only fields that end with a zero byte count: the last field of a truncated request is incomplete.
function terminatedFields(bytes: Buffer): Buffer[] {
  const fields: Buffer[] = []
  for (let start = 0; fields.length < 2 + 2 * maxOptions; ) {
    const end = bytes.indexOf(0, start)
    if (end < 0) break
    fields.push(bytes.subarray(start, end))
    start = end + 1
  }
  return fields
}
