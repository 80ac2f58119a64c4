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
  /** Sends a packet, which must not change afterwards. */
  send: (packet: Buffer) => void
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
