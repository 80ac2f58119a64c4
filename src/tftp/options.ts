// Negotiates TFTP options. Pure; called by server.ts.

/** The options of a transfer. `accepted` are those in the OACK. An empty OACK is not sent (RFC 2347). */
export type TransferOptions = {
  blockSize: number
  windowSize: number
  /** The client's retransmission timeout; undefined: the server's default. */
  timeoutMs: number | undefined
  accepted: [name: string, value: string][]
  /** The client requested the size, and may not need the file. */
  asksSize: boolean
}

export type OptionLimits = { sizeBytes: number; maxBlockSize: number; maxWindowSize: number }

/**
 * Accepts options in their range, and ignores the others: `blksize` 8 to 65464 (RFC 2348), `windowsize` 1 to 65535
 * (RFC 7440), `timeout` 1 to 255 s and `tsize` (RFC 2349). The limits reduce `blksize` and `windowsize`.
 */
export function negotiate(asked: ReadonlyMap<string, string>, limits: OptionLimits): TransferOptions {
  const accepted: [string, string][] = []
  const blockSize = within(asked.get('blksize'), 8, 65464)
  const windowSize = within(asked.get('windowsize'), 1, 65535)
  const timeout = within(asked.get('timeout'), 1, 255)
  const asksSize = within(asked.get('tsize'), 0, Number.MAX_SAFE_INTEGER) !== undefined
  const result: TransferOptions = {
    blockSize: blockSize === undefined ? 512 : Math.min(blockSize, limits.maxBlockSize),
    windowSize: windowSize === undefined ? 1 : Math.min(windowSize, limits.maxWindowSize),
    timeoutMs: timeout === undefined ? undefined : timeout * 1000,
    accepted,
    asksSize,
  }
  if (blockSize !== undefined) accepted.push(['blksize', String(result.blockSize)])
  if (timeout !== undefined) accepted.push(['timeout', String(timeout)])
  if (asksSize) accepted.push(['tsize', String(limits.sizeBytes)])
  if (windowSize !== undefined) accepted.push(['windowsize', String(result.windowSize)])
  return result
}

function within(text: string | undefined, min: number, max: number): number | undefined {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return undefined
  const value = Number(text)
  return value >= min && value <= max ? value : undefined
}
