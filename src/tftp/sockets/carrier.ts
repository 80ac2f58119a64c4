// What carries the packets of one transfer. Called by transfer.ts and server.ts.

/** Gets what arrives from the client. */
export type Receiver = {
  /** Handles a datagram, whose memory is used again afterwards. Never throws. */
  receive: (datagram: Buffer) => void
  /** The client is unreachable. */
  fail: (message: string) => void
}

/** Carries the packets of one transfer. No function throws. */
export type Carrier = {
  /** Memory of at least this size for the next packets. It is valid until they are sent. */
  memory: (sizeBytes: number) => Buffer
  /** Sends the packets in the first `sizeBytes` of the memory: each has `packetBytes`, and the last may be shorter. */
  send: (packets: Buffer, sizeBytes: number, packetBytes: number) => void
  receiveFor: (receiver: Receiver) => void
  /** Reads what has arrived, where another socket of the same client may be read first. */
  readWaiting?: () => void
  close: () => void
}

/**
 * Opens a carrier bound to the address that the client used. It receives only the client's datagrams.
 * @param localAddress undefined if unknown
 */
export type OpenCarrier = (localAddress: string | undefined, address: string, port: number) => Carrier

/** The packets of a memory, one by one. */
export function splitPackets(packets: Buffer, sizeBytes: number, packetBytes: number): Buffer[] {
  const split: Buffer[] = []
  for (let at = 0; at < sizeBytes; at += packetBytes)
    split.push(packets.subarray(at, Math.min(at + packetBytes, sizeBytes)))
  return split
}
