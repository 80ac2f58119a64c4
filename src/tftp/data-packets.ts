// The DATA packets of files, made once for all transfers. Called by server.ts.
import { dataHeaderBytes, writeData } from './packet.ts'

/** The DATA packets of a file, by block number from 1. A packet must not be changed. */
export type DataPackets = (block: number) => Buffer

/** Packets are kept for this number of block sizes of a file: firmware uses two or three. */
const maxBlockSizes = 4
/** Larger files, and smaller blocks, have too many packets to keep. */
const maxKeptBytes = 2 ** 21
const minKeptBlockSize = 512

/**
 * Finds the packets of a file. They are kept as long as the file: copies and views of bytes for each packet were most of the
 * garbage of a transfer.
 */
export function createDataPackets(): (bytes: Uint8Array, blockSize: number) => DataPackets {
  const kept = new WeakMap<Uint8Array, Map<number, DataPackets>>()
  return (bytes, blockSize) => {
    if (bytes.length > maxKeptBytes || blockSize < minKeptBlockSize) return makePackets(bytes, blockSize)
    const bySize = kept.get(bytes) ?? new Map<number, DataPackets>()
    kept.set(bytes, bySize)
    const packets = bySize.get(blockSize) ?? keepPackets(bytes, blockSize)
    // The last used is the last.
    bySize.delete(blockSize)
    bySize.set(blockSize, packets)
    const [oldest] = bySize.keys()
    if (bySize.size > maxBlockSizes && oldest !== undefined) bySize.delete(oldest)
    return packets
  }
}

function makePackets(bytes: Uint8Array, blockSize: number): DataPackets {
  return (block) => {
    const data = bytes.subarray((block - 1) * blockSize, block * blockSize)
    const packet = Buffer.allocUnsafe(dataHeaderBytes + data.length)
    writeData(packet, 0, block, data)
    return packet
  }
}

function keepPackets(bytes: Uint8Array, blockSize: number): DataPackets {
  const blocks = Math.floor(bytes.length / blockSize) + 1
  const memory = Buffer.allocUnsafeSlow(bytes.length + blocks * dataHeaderBytes)
  const packets: (Buffer | undefined)[] = Array(blocks)
  const make = (block: number) => {
    const at = (block - 1) * (dataHeaderBytes + blockSize)
    const end = writeData(memory, at, block, bytes.subarray((block - 1) * blockSize, block * blockSize))
    const packet = memory.subarray(at, end)
    packets[block - 1] = packet
    return packet
  }
  return (block) => packets[block - 1] ?? make(block)
}
