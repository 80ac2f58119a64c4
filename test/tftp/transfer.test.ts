import { describe, expect, test } from 'vitest'
import { ack, describePacket, error, fetchRaw, openRawClient, type RawClient, rrq } from './raw-client.ts'
import { startRelay } from './relay.ts'
import { carriers, content, outcomes, rawClient } from './serve.ts'

describe.each(carriers)('over %s:', (_, serve) => {
  /** The next packets, as many as come until it is quiet for a while that is shorter than any retransmission time. */
  async function burst(client: RawClient): Promise<string[]> {
    const packets: string[] = []
    for (let packet = await client.next(); packet !== undefined; packet = await client.next(60))
      packets.push(describePacket(packet))
    return packets
  }

  /** A client whose request was answered; `port` is that of its transfer. */
  async function begin(size: number, options: Record<string, string | number> = {}) {
    const served = await serve({ file: content(size) })
    const client = await rawClient()
    client.send(rrq('file', options), served.server.port)
    const first = await client.next()
    return { ...served, client, first: describePacket(first), port: first?.port ?? 0 }
  }

  describe('the last block', () => {
    test.each([
      [0, ['DATA 1 (0)']],
      [1, ['DATA 1 (1)']],
      [511, ['DATA 1 (511)']],
      [512, ['DATA 1 (512)', 'DATA 2 (0)']],
      [1024, ['DATA 1 (512)', 'DATA 2 (512)', 'DATA 3 (0)']],
      [1025, ['DATA 1 (512)', 'DATA 2 (512)', 'DATA 3 (1)']],
    ])('of %i bytes is short or empty', async (size, expected) => {
      const { client, first, port, server, records } = await begin(size)
      const packets = [first]
      for (let block = 1; block < expected.length; block++) {
        client.send(ack(block), port)
        packets.push(describePacket(await client.next()))
      }
      expect(packets).toEqual(expected)
      client.send(ack(expected.length), port)
      expect(await outcomes(records, 1)).toEqual(['complete'])
      expect(records[0]?.bytes).toBe(size)
      expect(server.transfers()).toBe(0)
    })
  })

  test.each([
    ['blksize 8, window 64', 8, 64],
    ['blksize 512, window 16', 512, 16],
  ])('block numbers wrap: 70,000 blocks arrive whole with %s', async (_, blksize, windowsize) => {
    const file = content(70_000 * blksize)
    const { server, records } = await serve({ file })
    const { bytes, dataPackets } = await fetchRaw(await rawClient(), server.port, 'file', { blksize, windowsize })
    expect(bytes.equals(file)).toBe(true)
    expect(dataPackets).toBeGreaterThanOrEqual(70_001)
    expect(await outcomes(records, 1)).toEqual(['complete'])
  })

  test('a request right behind the last ACK of a client does not abort its transfer', async () => {
    const { server, records } = await serve({ first: content(100), second: content(200) })
    const client = await rawClient()
    client.send(rrq('first'), server.port)
    const data = await client.next()
    client.send(ack(1), data?.port ?? 0)
    client.send(rrq('second'), server.port)
    expect(describePacket(await client.next())).toBe('DATA 1 (200)')
    expect(records).toMatchObject([{ file: 'first', outcome: 'complete' }])
  })

  describe('a transfer is not disturbed by', () => {
    test('datagrams from another address to its port', async () => {
      const { client, port, records } = await begin(1000)
      const stranger = await rawClient()
      for (const bytes of [ack(1), error(0, 'stop it'), rrq('file'), Buffer.alloc(0)]) stranger.send(bytes, port)
      expect(describePacket(await stranger.next(100))).toBe('silence')
      expect(records).toEqual([])
      client.send(ack(1), port)
      expect((await burst(client)).at(-1)).toBe('DATA 2 (488)')
    })

    test('datagrams of 0, 1 and 3 bytes, DATA and requests to its port', async () => {
      const { client, port, records } = await begin(1000)
      const junk = [[], [0], [0, 4, 0], [0, 3, 0, 1, 65], [0, 6, 0], [0, 9, 9, 9], [255, 255, 255, 255]]
      for (const bytes of junk) client.send(Buffer.from(bytes), port)
      client.send(rrq('file'), port)
      client.send(ack(1), port)
      expect((await burst(client)).at(-1)).toBe('DATA 2 (488)')
      client.send(ack(2), port)
      expect(await outcomes(records, 1)).toEqual(['complete'])
    })

    test('an ACK outside the window', async () => {
      const { client, port, records } = await begin(5000, { timeout: 5 })
      client.send(ack(0), port)
      expect(await burst(client)).toEqual(['DATA 1 (512)'])
      for (const block of [2, 9, 10, 11, 32768, 65535]) client.send(ack(block), port)
      expect(describePacket(await client.next(100))).toBe('silence')
      client.send(ack(1), port)
      expect(await burst(client)).toEqual(['DATA 2 (512)'])
      expect(records).toEqual([])
    })

    test('an answer to its OACK other than ACK 0', async () => {
      const { client, first, port } = await begin(1000, { timeout: 5 })
      expect(first).toBe('OACK timeout=5')
      client.send(ack(1), port)
      client.send(ack(65535), port)
      expect(describePacket(await client.next(100))).toBe('silence')
      client.send(ack(0), port)
      expect(await burst(client)).toEqual(['DATA 1 (512)'])
    })
  })

  describe('in windows,', () => {
    test('an ACK of part of a window resends the remaining blocks at once', async () => {
      const { client, first, port } = await begin(10_000, { windowsize: 4, timeout: 5 })
      expect(first).toBe('OACK timeout=5 windowsize=4')
      client.send(ack(0), port)
      expect(await burst(client)).toEqual([1, 2, 3, 4].map((block) => `DATA ${block} (512)`))
      client.send(ack(2), port)
      expect(await burst(client)).toEqual([3, 4, 5, 6].map((block) => `DATA ${block} (512)`))
      client.send(ack(6), port)
      expect(await burst(client)).toEqual([7, 8, 9, 10].map((block) => `DATA ${block} (512)`))
    })

    test('a repeated ACK resends its window at once, and only once', async () => {
      const { client, port } = await begin(10_000, { windowsize: 2, timeout: 5 })
      client.send(ack(0), port)
      expect(await burst(client)).toEqual(['DATA 1 (512)', 'DATA 2 (512)'])
      client.send(ack(0), port)
      expect(await burst(client)).toEqual(['DATA 1 (512)', 'DATA 2 (512)'])
      for (let i = 0; i < 20; i++) client.send(ack(0), port)
      expect(describePacket(await client.next(100))).toBe('silence')
    })

    test('the last window ends with the file', async () => {
      const { client, port, records } = await begin(1100, { windowsize: 16 })
      client.send(ack(0), port)
      expect(await burst(client)).toEqual(['DATA 1 (512)', 'DATA 2 (512)', 'DATA 3 (76)'])
      client.send(ack(1), port)
      expect(await burst(client)).toEqual(['DATA 2 (512)', 'DATA 3 (76)'])
      expect(records).toEqual([])
      client.send(ack(3), port)
      expect(await outcomes(records, 1)).toEqual(['complete'])
    })
  })

  // RFC 1123, 4.2.3.1: the sorcerer's apprentice.
  test('with every ACK sent twice, each block is sent once', async () => {
    const file = content(200 * 512)
    const { server } = await serve({ file })
    const { bytes, dataPackets } = await fetchRaw(await rawClient(), server.port, 'file', {}, 2)
    expect(bytes.equals(file)).toBe(true)
    expect(dataPackets).toBe(201)
  })

  describe('a silent client', () => {
    test('gets the block again after each of its timeouts, until the transfer ends after 8 tries', async () => {
      const { client, server, first, records } = await begin(1000, { timeout: 1 })
      expect(first).toBe('OACK timeout=1')
      expect(await outcomes(records, 1, 10_000)).toEqual(['timeout'])
      const again: string[] = []
      for (let packet = await client.next(1); packet; packet = await client.next(1)) again.push(describePacket(packet))
      expect(again).toEqual(Array(7).fill('OACK timeout=1'))
      expect(records[0]).toMatchObject({ bytes: 0, message: 'no answer to 8 tries' })
      expect(server.transfers()).toBe(0)
    })

    test('without the timeout option gets the block again within a second', async () => {
      const { client, first } = await begin(1000)
      expect([first, describePacket(await client.next(1000))]).toEqual(['DATA 1 (512)', 'DATA 1 (512)'])
    })

    test('is not the only reason for an end: no transfer outlives its time limit', async () => {
      const { server, records } = await serve({ file: content(5000) }, { transferTimeoutMs: 300 })
      const client = await rawClient()
      client.send(rrq('file'), server.port)
      const first = await client.next()
      client.send(ack(1), first?.port ?? 0)
      expect(await outcomes(records, 1)).toEqual(['timeout'])
      expect(records[0]).toMatchObject({ bytes: 512, message: 'longer than 0.3 s' })
      expect(server.transfers()).toBe(0)
    })
  })

  describe('a client that ends its transfer', () => {
    test('with an error in the middle is recorded as aborted, with its message', async () => {
      const { client, port, records, server } = await begin(5000)
      client.send(ack(1), port)
      await client.next()
      client.send(error(3, 'Disk full'), port)
      expect(await outcomes(records, 1)).toEqual(['aborted'])
      expect(records[0]).toMatchObject({ bytes: 512, message: 'client: error 3 Disk full' })
      expect(server.transfers()).toBe(0)
    })

    test('by refusing the options is recorded as aborted, and not as a probe, if it did not request the size', async () => {
      const { client, port, records } = await begin(5000, { blksize: 1024 })
      client.send(error(8, 'no such option'), port)
      expect(await outcomes(records, 1)).toEqual(['aborted'])
    })

    test('by closing its port is detected, because the network reports the closed port', async () => {
      const { server, records } = await serve({ file: content(5000) })
      const client = await openRawClient()
      client.send(rrq('file'), server.port)
      await client.next()
      client.close()
      expect(await outcomes(records, 1)).toEqual(['aborted'])
      expect(records[0]?.message).toContain('ECONNREFUSED')
      expect(server.transfers()).toBe(0)
    })
  })

  describe('a busy server', () => {
    // Longer than the server's first timeout. Nothing else of this process runs meanwhile.
    const beBusy = () => {
      for (const until = performance.now() + 700; performance.now() < until; );
    }

    test('reads the last ACK of a client before it resends a block', async () => {
      const { server, records } = await serve({ file: content(100) })
      const client = await openRawClient()
      client.send(rrq('file'), server.port)
      const first = await client.next()
      client.send(ack(1), first?.port ?? 0)
      client.close()
      beBusy()
      expect(await outcomes(records, 1)).toEqual(['complete'])
    })

    test('reads the last ACK even if the network reports that the client closed its port', async () => {
      const { server, records } = await serve({ file: content(100) })
      const client = await openRawClient()
      client.send(rrq('file'), server.port)
      const first = await client.next()
      client.send(rrq('file'), server.port)
      client.send(ack(1), first?.port ?? 0)
      client.close()
      beBusy()
      expect(await outcomes(records, 1)).toEqual(['complete'])
    })

    test('does not treat a repeated request as new if its transfer made progress or just ended', async () => {
      const { client, port, server, records } = await begin(1000, { blksize: 512 })
      client.send(ack(0), port)
      await client.next()
      client.send(rrq('file', { blksize: 512 }), server.port)
      expect(describePacket(await client.next(100))).toBe('silence')
      client.send(ack(1), port)
      client.send(ack(2), port)
      expect(await outcomes(records, 1)).toEqual(['complete'])
      await client.next()
      client.send(rrq('file', { blksize: 512 }), server.port)
      expect(describePacket(await client.next(100))).toBe('silence')
      expect(records).toHaveLength(1)
    })
  })

  describe('a file arrives complete over a bad network', () => {
    const file = content(300_000)
    const cases: [string, Parameters<typeof startRelay>[1], number, boolean][] = [
      ['3 % lost, window 4', { lost: 0.03 }, 4, false],
      ['1 % lost, window 1', { lost: 0.01 }, 1, false],
      ['1 % twice, window 1', { twice: 0.01 }, 1, false],
      ['1 % twice, window 4', { twice: 0.01 }, 4, false],
      ['5 % late, window 8', { late: 0.05 }, 8, false],
      ['some of each, window 4', { lost: 0.01, twice: 0.01, late: 0.02 }, 4, false],
      ['some of each, window 4, single port', { lost: 0.01, twice: 0.01, late: 0.02 }, 4, true],
    ]
    test.each(cases)('%s', async (_, faults, windowsize, singlePort) => {
      const { server } = await serve({ file }, { singlePort })
      const port = await startRelay(server.port, faults)
      const { bytes } = await fetchRaw(await rawClient(), port, 'file', { blksize: 1024, windowsize })
      expect(bytes.equals(file)).toBe(true)
    })
  })

  test('in single-port mode all packets of two clients at once come from the listening port', async () => {
    const files = { a: content(100_000), b: content(90_000) }
    const { server, records } = await serve(files, { singlePort: true })
    const [first, second, watcher] = [await rawClient(), await rawClient(), await rawClient()]
    const [a, b] = await Promise.all([
      fetchRaw(first, server.port, 'a', { blksize: 1024, windowsize: 4 }),
      fetchRaw(second, server.port, 'b'),
    ])
    expect(a.bytes.equals(files.a)).toBe(true)
    expect(b.bytes.equals(files.b)).toBe(true)
    watcher.send(rrq('a'), server.port)
    expect((await watcher.next())?.port).toBe(server.port)
    watcher.send(ack(1), server.port)
    const next = await watcher.next()
    expect([describePacket(next), next?.port]).toEqual(['DATA 2 (512)', server.port])
    watcher.send(error(0, 'enough'), server.port)
    expect((await outcomes(records, 3)).toSorted()).toEqual(['aborted', 'complete', 'complete'])
    expect(server.transfers()).toBe(0)
  })
})
