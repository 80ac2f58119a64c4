import dgram from 'node:dgram'
import { once } from 'node:events'

/** The address of a boot server; the host is an IPv4 address. */
export type BootServerAddress = { host: string; httpPort: number; tftpPort: number }

/** A TFTP client: its options, and the time that it waits for each answer before a retry. It gives up after the last. */
export type TftpClient = { options: Record<string, number>; probes: boolean; waitsMs: number[] }

/** EDK2's PXE client: it requests the size, aborts, and requests the file from the same port (its PxeBcImpl.h: 4 s, 6 tries). */
export const edk2: TftpClient = {
  options: { blksize: 1468, windowsize: 4 },
  probes: true,
  waitsMs: Array(6).fill(4000),
}

/** iPXE: a quarter of a second, doubled until it would be more than ten seconds (its retry.h). */
export const ipxe: TftpClient = {
  options: { blksize: 1432, tsize: 0 },
  probes: false,
  waitsMs: [250, 500, 1000, 2000, 4000, 8000],
}

const opcodes = { data: 3, ack: 4, error: 5, oack: 6 } as const

/**
 * Fetches a file over a socket at `address`, by RFC 1350, 2347 and 7440. `take` gets each block once and in order, and must
 * not keep it. Returns the number of bytes and of retries.
 * @throws Error if the server sends an error, or does not answer
 */
export async function fetchByTftp(
  client: TftpClient,
  address: string,
  { host, tftpPort }: Pick<BootServerAddress, 'host' | 'tftpPort'>,
  file: string,
  take: (block: Buffer) => void = () => {},
): Promise<{ bytes: number; repeats: number }> {
  // Skips the lookup that Node does even for a numeric address.
  const lookup: dgram.SocketOptions['lookup'] = (name, _, done) => done(null, name, 4)
  const socket = dgram.createSocket({ type: 'udp4', recvBufferSize: 256 * 1024, lookup })
  try {
    const listening = once(socket, 'listening')
    socket.bind(0, address)
    await listening
    return await new Promise((resolve, reject) => {
      socket.on('error', reject)
      transfer(client, socket, { host, tftpPort }, file, take, resolve, reject)
    })
  } finally {
    socket.close()
  }
}

function transfer(
  { options, probes, waitsMs }: TftpClient,
  socket: dgram.Socket,
  { host, tftpPort }: Pick<BootServerAddress, 'host' | 'tftpPort'>,
  file: string,
  take: (block: Buffer) => void,
  resolve: (result: { bytes: number; repeats: number }) => void,
  reject: (error: Error) => void,
): void {
  let probing = probes
  let blockSize = 512
  let windowSize = 1
  let received = 0
  let inWindow = 0
  let bytes = 0
  let gap = false
  let ended = false
  let repeats = 0
  let silences = 0
  /** The server's port of the transfer, once it has begun, and the port of the aborted probe. */
  let peer: number | undefined
  let probePeer: number | undefined
  let timer: NodeJS.Timeout | undefined
  let last: [packet: Buffer, port: number] = [Buffer.alloc(0), 0]

  const listen = () => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      silences += 1
      repeats += 1
      if (silences >= waitsMs.length) fail(new Error(`TFTP ${file}: silence after block ${received}`))
      else say(...last)
    }, waitsMs[silences])
  }
  const say = (packet: Buffer, port: number) => {
    last = [packet, port]
    socket.send(packet, port, host)
    listen()
  }
  const fail = (error: Error) => {
    ended = true
    clearTimeout(timer)
    reject(error)
  }
  const ask = () => say(readRequest(file, probing ? { tsize: 0, ...options } : options), tftpPort)

  socket.on('message', (packet, from) => {
    if (ended || from.port === probePeer || (peer !== undefined && from.port !== peer) || packet.length < 4) return
    const opcode = packet.readUInt16BE(0)
    if (opcode === opcodes.error) {
      const text = packet.toString('latin1', 4, packet.length - 1)
      return fail(new Error(`TFTP ${file}: error ${packet.readUInt16BE(2)} ${text}`))
    }
    silences = 0
    if (opcode === opcodes.oack && probing) {
      probing = false
      probePeer = from.port
      socket.send(Buffer.from('\0\x05\0\x08User aborted the transfer\0', 'latin1'), from.port, host)
      return ask()
    }
    peer = from.port
    if (opcode === opcodes.oack) {
      const accepted = parseOptions(packet)
      blockSize = accepted.get('blksize') ?? 512
      windowSize = accepted.get('windowsize') ?? 1
      if (received === 0) say(acknowledge(0), peer)
    }
    if (opcode !== opcodes.data) return
    if (packet.readUInt16BE(2) !== ((received + 1) & 0xffff)) {
      // A gap: acknowledge once the last block before it (RFC 7440, 4).
      if (!gap) say(acknowledge(received), peer)
      repeats += gap ? 0 : 1
      gap = true
      inWindow = 0
      return
    }
    gap = false
    received += 1
    inWindow += 1
    bytes += packet.length - 4
    take(packet.subarray(4))
    if (packet.length < blockSize + 4) {
      ended = true
      clearTimeout(timer)
      // Close the socket only after the packet is sent, or the server would retry until its timeout.
      socket.send(acknowledge(received), peer, host, () => resolve({ bytes, repeats }))
    } else if (inWindow === windowSize) {
      inWindow = 0
      say(acknowledge(received), peer)
    }
  })
  ask()
}

function readRequest(file: string, options: Record<string, number>): Buffer {
  const fields = [file, 'octet', ...Object.entries(options).flatMap(([name, value]) => [name, String(value)])]
  return Buffer.from(`\0\x01${fields.map((field) => `${field}\0`).join('')}`, 'latin1')
}

function acknowledge(block: number): Buffer {
  return Buffer.from([0, opcodes.ack, (block >> 8) & 0xff, block & 0xff])
}

function parseOptions(oack: Buffer): Map<string, number> {
  const fields = oack.toString('latin1', 2, oack.length - 1).split('\0')
  return new Map(
    fields.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), Number(fields[at + 1])] as const] : [])),
  )
}
