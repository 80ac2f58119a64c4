import { describe, expect, test } from 'vitest'
import { createDataPackets } from '../../src/tftp/data-packets.ts'
import { content } from './serve.ts'

const blocksOf = (size: number, blockSize: number) => Math.floor(size / blockSize) + 1

describe('the DATA packets of a file', () => {
  test.each([
    ['are kept', 100_000, 1468],
    ['are kept, with an empty last block', 1024 * 20, 1024],
    ['are kept, of an empty file', 0, 512],
    ['are made each time, because their blocks are small', 5000, 8],
    ['are made each time, because the file is large', 3_000_000, 65_464],
  ])('hold its bytes in order and %s', (_, size, blockSize) => {
    const file = content(size)
    const packets = createDataPackets()(file, blockSize)
    // From the last block to the first: a packet does not depend on earlier packets.
    for (const turn of [1, 2])
      for (let block = blocksOf(size, blockSize); block >= 1; block--) {
        const packet = packets(block)
        expect([turn, packet.readUInt16BE(0), packet.readUInt16BE(2)]).toEqual([turn, 3, block & 0xffff])
        expect(packet.subarray(4).equals(file.subarray((block - 1) * blockSize, block * blockSize))).toBe(true)
      }
  })

  test('are kept for the last four block sizes', () => {
    const file = content(5000)
    const find = createDataPackets()
    const first = find(file, 512)
    for (const blockSize of [1000, 1001, 1002]) find(file, blockSize)
    expect(find(file, 512)).toBe(first)
    for (const blockSize of [1003, 1004, 1005, 1006]) find(file, blockSize)
    expect(find(file, 512)).not.toBe(first)
    expect(first(2).subarray(4).equals(file.subarray(512, 1024))).toBe(true)
  })
})
