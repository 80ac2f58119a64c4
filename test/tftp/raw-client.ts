import dgram from 'node:dgram'
import { once } from 'node:events'

/** A packet as it came, with the address and port it came from. */
export type Packet = { bytes: Buffer; address: string; port: number }

/** A UDP socket that sends any datagram, valid or not, and returns received datagrams in their order. */
export type RawClient = {
  port: number
  send: (bytes: Buffer, port: number) => void
  /** The next packet; undefined when none comes in the time. */
  next: (timeoutMs?: number) => Promise<Packet | undefined>
  close: () => void
}

export async function openRawClient(address = '127.0.0.1'): Promise<RawClient> {
  // With the lookup that Node does even for a numeric address, packets would leave only in the next turn of the event loop.
  const lookup: dgram.SocketOptions['lookup'] = (host, _, done) => done(null, host, 4)
  const socket = dgram.createSocket({ type: 'udp4', recvBufferSize: 4 << 20, lookup })
  const listening = once(socket, 'listening')
  socket.bind(0, address)
  await listening
  const arrived: Packet[] = []
  let wake = () => {}
  socket.on('message', (bytes, from) => {
    arrived.push({ bytes, address: from.address, port: from.port })
    wake()
  })
  return {
    port: socket.address().port,
    send: (bytes, port) => socket.send(bytes, port, '127.0.0.1'),
    next: async (timeoutMs = 2000) => {
      if (arrived.length === 0)
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, timeoutMs)
          wake = () => {
            clearTimeout(timer)
            resolve()
          }
        })
      return arrived.shift()
    },
    close: () => socket.close(),
  }
}

const terminated = (fields: string[]) => Buffer.from(fields.map((field) => `${field}\0`).join(''), 'latin1')

/** A read request; options in the order of their names here. */
export function rrq(file: string, options: Record<string, string | number> = {}, mode = 'octet'): Buffer {
  const fields = [file, mode, ...Object.entries(options).flatMap(([name, value]) => [name, String(value)])]
  return Buffer.concat([Buffer.from([0, 1]), terminated(fields)])
}

export function wrq(file: string): Buffer {
  return Buffer.concat([Buffer.from([0, 2]), terminated([file, 'octet'])])
}

export function ack(block: number): Buffer {
  return Buffer.from([0, 4, (block >> 8) & 0xff, block & 0xff])
}

export function error(code: number, message: string): Buffer {
  return Buffer.concat([Buffer.from([0, 5, 0, code]), terminated([message])])
}

/** What a packet of the server says, for exact comparison: `DATA 1 (512)`, `OACK tsize=3`, `ERROR 1 …`, or `silence`. */
export function describePacket(packet: Packet | undefined): string {
  if (packet === undefined) return 'silence'
  const { bytes } = packet
  const opcode = bytes.readUInt16BE(0)
  if (opcode === 3) return `DATA ${bytes.readUInt16BE(2)} (${bytes.length - 4})`
  if (opcode === 5) return `ERROR ${bytes.readUInt16BE(2)} ${bytes.toString('latin1', 4, bytes.length - 1)}`
  const fields = bytes.toString('latin1', 2, bytes.length - 1).split('\0')
  const pairs = fields.flatMap((name, at) => (at % 2 === 0 ? [`${name}=${fields[at + 1]}`] : []))
  return `OACK ${pairs.join(' ')}`
}

/** A file fetched as RFC 1350 and 7440 say: in order, one ACK a window, and one at once where a block is missing. */
export async function fetchRaw(
  client: RawClient,
  port: number,
  file: string,
  options: Record<string, string | number> = {},
  acks = 1,
): Promise<{ bytes: Buffer; dataPackets: number }> {
  const parts: Buffer[] = []
  const blockSize = Number(options.blksize ?? 512)
  const windowSize = Number(options.windowsize ?? 1)
  let received = 0
  let inWindow = 0
  let gap = false
  let dataPackets = 0
  let silences = 0
  let last: [Buffer, number] = [rrq(file, options), port]
  const say = (bytes: Buffer, to: number, times = 1) => {
    last = [bytes, to]
    for (let i = 0; i < times; i++) client.send(bytes, to)
  }
  say(...last)
  for (;;) {
    const packet = await client.next(1500)
    if (packet === undefined) {
      silences += 1
      if (silences > 8) throw new Error(`no more packets after block ${received}`)
      say(...last)
      continue
    }
    silences = 0
    const opcode = packet.bytes.readUInt16BE(0)
    if (opcode === 5) throw new Error(describePacket(packet))
    if (opcode === 6) {
      if (received === 0) say(ack(0), packet.port, acks)
      continue
    }
    dataPackets += 1
    if (packet.bytes.readUInt16BE(2) !== ((received + 1) & 0xffff)) {
      // A gap: one ACK names the last block before it (RFC 7440, 4).
      if (!gap) say(ack(received), packet.port, acks)
      gap = true
      inWindow = 0
      continue
    }
    gap = false
    received += 1
    inWindow += 1
    parts.push(packet.bytes.subarray(4))
    const ended = packet.bytes.length < blockSize + 4
    if (ended || inWindow === windowSize) {
      say(ack(received), packet.port, acks)
      inWindow = 0
    }
    if (ended) return { bytes: Buffer.concat(parts), dataPackets }
  }
}
