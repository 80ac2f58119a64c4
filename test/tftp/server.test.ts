import dgram from 'node:dgram'
import { syncBuiltinESMExports } from 'node:module'
import os from 'node:os'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { connectedSocket } from '../../src/tftp/sockets/node-carrier.ts'
import { ack, describePacket, error, fetchRaw, openRawClient, type RawClient, rrq, wrq } from './raw-client.ts'
import { content, outcomes, rawClient, serve } from './serve.ts'

const files = { 'ipxe.efi': content(1000), 'sb/grubx64.efi': content(3000), empty: Buffer.alloc(0) }

describe('an invalid request', () => {
  test('gets no answer if it is garbage, ACK, DATA or ERROR', async () => {
    const { server, records } = await serve(files)
    const client = await rawClient()
    const garbage = [
      '',
      '\0',
      '\0\x01',
      '\0\x01ipxe.efi',
      '\0\x04\0\x01',
      '\0\x03\0\x01abc',
      '\0\x05\0\0no\0',
      'GET / HTTP',
    ]
    for (const text of [...garbage, 'x'.repeat(9000)]) client.send(Buffer.from(text, 'latin1'), server.port)
    expect(describePacket(await client.next(200))).toBe('silence')
    expect(records).toEqual([])
    expect((await fetchRaw(client, server.port, 'ipxe.efi')).bytes).toEqual(files['ipxe.efi'])
  })

  test.each([
    ['a write request', wrq('ipxe.efi'), 'ERROR 2 This server is read-only', 'refused'],
    ['netascii', rrq('ipxe.efi', {}, 'netascii'), 'ERROR 0 Only octet mode is supported', 'refused'],
    ['mail', rrq('ipxe.efi', {}, 'mail'), 'ERROR 0 Only octet mode is supported', 'refused'],
    ['an unknown file', rrq('pxelinux.0'), 'ERROR 1 There is no such file', 'not-found'],
    ['a path out of the list', rrq('../../etc/passwd'), 'ERROR 1 There is no such file', 'not-found'],
    ['the folder above', rrq('..'), 'ERROR 1 There is no such file', 'not-found'],
  ])('%s gets its error from the port that was asked', async (_, request, expected, outcome) => {
    const { server, records } = await serve(files)
    const client = await rawClient()
    client.send(request, server.port)
    const answer = await client.next()
    expect(describePacket(answer)).toBe(expected)
    expect(answer?.port).toBe(server.port)
    expect(await outcomes(records, 1)).toEqual([outcome])
    expect(server.transfers()).toBe(0)
  })

  test('gets no answer from an address outside the subnets', async () => {
    const { server, records } = await serve(files, { allows: (address) => address !== '127.0.0.1' })
    const client = await rawClient()
    client.send(rrq('ipxe.efi'), server.port)
    client.send(rrq('nothing'), server.port)
    client.send(wrq('ipxe.efi'), server.port)
    expect(describePacket(await client.next(200))).toBe('silence')
    expect(records).toEqual([])
  })
})

test.each(['/sb/grubx64.efi', 'sb//grubx64.efi', 'sb\\grubx64.efi', 'sb/grubx64.efi\xff'])(
  '%j finds the file',
  async (name) => {
    const { server, records } = await serve(files)
    expect((await fetchRaw(await rawClient(), server.port, name)).bytes).toEqual(files['sb/grubx64.efi'])
    await outcomes(records, 1)
    expect(records[0]).toMatchObject({ file: 'sb/grubx64.efi', bytes: 3000, outcome: 'complete' })
  },
)

describe('options', () => {
  test.each([
    [{ BLKSIZE: '1024', blksize: '8' }, 'OACK blksize=1024'],
    [
      { blksize: '60000', windowsize: '4', tsize: '0', timeout: '2', multicast: '' },
      'OACK blksize=1400 timeout=2 tsize=1000 windowsize=3',
    ],
    [{ blksize: '1e3', tsize: '0' }, 'OACK tsize=1000'],
    [{ blksize: '7', windowsize: '0x4', utimeout: '9' }, 'DATA 1 (512)'],
    [{}, 'DATA 1 (512)'],
  ])('%j are answered by %s', async (options, expected) => {
    const { server } = await serve(files, { maxBlockSize: 1400, maxWindowSize: 3 })
    const client = await rawClient()
    client.send(rrq('ipxe.efi', options as Record<string, string>), server.port)
    expect(describePacket(await client.next())).toBe(expected)
  })
})

describe('a client that repeats a request from the same port', () => {
  test.each([
    ['without options', {}, 'DATA 1 (512)'],
    ['with options', { tsize: 0 }, 'OACK tsize=1000'],
  ])('and with the same request %s is answered by the running transfer', async (_, options, expected) => {
    const { server } = await serve(files)
    const client = await rawClient()
    client.send(rrq('ipxe.efi', options), server.port)
    const first = await client.next()
    client.send(rrq('ipxe.efi', options), server.port)
    const second = await client.next(100)
    expect([describePacket(first), describePacket(second)]).toEqual([expected, expected])
    expect(second?.port).toBe(first?.port)
    expect(server.transfers()).toBe(1)
  })

  test('for another file has its first transfer replaced', async () => {
    const { server, records } = await serve(files)
    const client = await rawClient()
    client.send(rrq('ipxe.efi'), server.port)
    const first = await client.next()
    client.send(rrq('sb/grubx64.efi', { blksize: 1024 }), server.port)
    const second = await client.next()
    expect(describePacket(second)).toBe('OACK blksize=1024')
    expect(second?.port).not.toBe(first?.port)
    expect(server.transfers()).toBe(1)
    expect(records).toMatchObject([{ file: 'ipxe.efi', outcome: 'aborted', message: 'replaced by a new request' }])
  })

  // EDK2 at every boot: the size, ERROR 8, and the file, all from one port.
  test.each([true, false])('after a size probe gets the file (ERROR 8 arrives: %s)', async (arrives) => {
    const { server, records } = await serve(files)
    const client = await rawClient()
    client.send(rrq('ipxe.efi', { tsize: 0, blksize: 1468, windowsize: 4 }), server.port)
    const oack = await client.next()
    expect(describePacket(oack)).toBe('OACK blksize=1468 tsize=1000 windowsize=4')
    if (arrives) client.send(error(8, 'User aborted the transfer'), oack?.port ?? 0)
    const { bytes } = await fetchRaw(client, server.port, 'ipxe.efi', { blksize: 1468, windowsize: 4 })
    expect(bytes).toEqual(files['ipxe.efi'])
    expect(await outcomes(records, 2)).toEqual(['probe', 'complete'])
    expect(server.transfers()).toBe(0)
  })
})

describe('limits', () => {
  test.each([
    ['of the server', { maxTransfers: 2 }],
    ['of one address', { maxTransfersPerAddress: 2 }],
  ])('%s: a further transfer gets no answer until another transfer ends', async (_, limits) => {
    const { server } = await serve(files, limits)
    const [a, b, c] = [await rawClient(), await rawClient(), await rawClient()]
    for (const client of [a, b]) client.send(rrq('ipxe.efi'), server.port)
    const first = await a.next()
    await b.next()
    c.send(rrq('ipxe.efi'), server.port)
    expect(describePacket(await c.next(200))).toBe('silence')
    expect(server.transfers()).toBe(2)
    a.send(error(0, 'enough'), first?.port ?? 0)
    while (server.transfers() === 2) await new Promise((resolve) => setTimeout(resolve, 5))
    expect((await fetchRaw(c, server.port, 'ipxe.efi')).bytes).toEqual(files['ipxe.efi'])
  })
})

describe('requests with forged addresses', () => {
  const forge = async (port: number, addresses: number, each: number, options: object) => {
    const clients: RawClient[] = []
    for (let address = 0; address < addresses; address++)
      for (let count = 0; count < each; count++) clients.push(await openRawClient(`127.0.6.${address + 1}`))
    onTestFinished(() => {
      for (const client of clients) client.close()
    })
    for (const client of clients) client.send(rrq('ipxe.efi', { ...options }), port)
    return clients
  }

  test.each([{}, { timeout: 255 }, { tsize: 0, timeout: 240, blksize: 1000 }])(
    'are displaced by a client that answers, with options %j',
    async (options) => {
      const { server, records } = await serve(files, { maxTransfers: 12, maxTransfersPerAddress: 4 })
      await forge(server.port, 6, 3, options)
      await expect.poll(() => server.transfers()).toBe(12)
      expect((await fetchRaw(await rawClient(), server.port, 'ipxe.efi')).bytes).toEqual(files['ipxe.efi'])
      expect(await outcomes(records, 2)).toEqual(['displaced', 'complete'])
    },
  )

  test('are displaced by the client that has the address', async () => {
    const { server } = await serve(files, { maxTransfers: 50, maxTransfersPerAddress: 3 })
    await forge(server.port, 1, 3, { timeout: 99 })
    await expect.poll(() => server.transfers()).toBe(3)
    const honest = await openRawClient('127.0.6.1')
    onTestFinished(() => honest.close())
    expect((await fetchRaw(honest, server.port, 'ipxe.efi')).bytes).toEqual(files['ipxe.efi'])
  })

  test('do not displace a running transfer', async () => {
    const { server } = await serve(files, { maxTransfers: 2 })
    const slow = await rawClient()
    slow.send(rrq('ipxe.efi', { timeout: 255 }), server.port)
    const oack = await slow.next()
    slow.send(ack(0), oack?.port ?? 0)
    expect(describePacket(await slow.next())).toBe('DATA 1 (512)')
    await forge(server.port, 3, 3, {})
    await fetchRaw(await rawClient(), server.port, 'empty')
    slow.send(ack(1), oack?.port ?? 0)
    expect(describePacket(await slow.next())).toBe('DATA 2 (488)')
  })

  test('send at most three data packets to the address', async () => {
    const { server } = await serve(files)
    const [client] = await forge(server.port, 1, 1, {})
    const seen: string[] = []
    for (let packet = await client?.next(7000); packet; packet = await client?.next(7000))
      seen.push(describePacket(packet))
    expect(seen).toEqual(Array(3).fill('DATA 1 (512)'))
  })

  test('do not delay the shutdown of the server', async () => {
    const { server } = await serve(files)
    await forge(server.port, 2, 5, { timeout: 255 })
    await expect.poll(() => server.transfers()).toBe(10)
    // Longer than this test may take.
    await server.stop(60_000)
    expect(server.transfers()).toBe(0)
  })
})

describe('the shutdown', () => {
  test.each([false, true])(
    'waits for a running transfer and refuses new requests (single port: %s)',
    async (singlePort) => {
      const { server, records } = await serve(files, { singlePort })
      const [running, late] = [await rawClient(), await rawClient()]
      running.send(rrq('ipxe.efi'), server.port)
      const first = await running.next()
      const stopped = server.stop(3000)
      late.send(rrq('ipxe.efi'), server.port)
      expect(describePacket(await late.next(100))).toBe('silence')
      running.send(Buffer.from([0, 4, 0, 1]), first?.port ?? 0)
      expect(describePacket(await running.next())).toBe('DATA 2 (488)')
      running.send(Buffer.from([0, 4, 0, 2]), first?.port ?? 0)
      await stopped
      expect(records.map(({ outcome }) => outcome)).toEqual(['complete'])
      expect(server.transfers()).toBe(0)
    },
  )

  test.each([false, true])('aborts transfers after the timeout, with error 0 (single port: %s)', async (singlePort) => {
    const { server, records } = await serve(files, { singlePort })
    const client = await rawClient()
    client.send(rrq('ipxe.efi'), server.port)
    await client.next()
    await server.stop(50)
    expect(describePacket(await client.next())).toBe('ERROR 0 The server is shutting down')
    expect(records).toMatchObject([{ outcome: 'aborted', message: 'The server is shutting down' }])
    expect(server.transfers()).toBe(0)
  })
})

describe('the address', () => {
  test('of an answer is the address that the client used, if the server listens on all addresses', async () => {
    const { server } = await serve(files, { host: '0.0.0.0' })
    const client = await rawClient()
    client.send(rrq('ipxe.efi'), server.port)
    const data = await client.next()
    expect(describePacket(data)).toBe('DATA 1 (512)')
    expect(data?.address).toBe('127.0.0.1')
    expect((await fetchRaw(client, server.port, 'sb/grubx64.efi')).bytes).toEqual(files['sb/grubx64.efi'])
  })

  test.each(['127.0.0.1', '0.0.0.0'])('%s is refused if its port is in use', async (host) => {
    const { server } = await serve(files, { host })
    await expect(serve(files, { host, port: server.port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})

test('a failure to record a transfer does not affect the server', async () => {
  const { server } = await serve(files, {}, () => {
    throw new Error('the database is gone')
  })
  const client = await rawClient()
  expect((await fetchRaw(client, server.port, 'ipxe.efi')).bytes).toEqual(files['ipxe.efi'])
  await expect(fetchRaw(client, server.port, 'nothing')).rejects.toThrow('ERROR 1')
  expect((await fetchRaw(client, server.port, 'empty')).bytes).toEqual(Buffer.alloc(0))
})

describe('an unreachable client', () => {
  const unreachable = '203.0.113.9'

  test('gets no socket from an address without a route', async () => {
    await expect(connectedSocket('127.0.0.1', unreachable, 2000)).rejects.toMatchObject({ syscall: 'connect' })
  })

  test('ends only its transfer', async () => {
    const { server, records } = await serve(files)
    const client = await rawClient()
    const { connect } = dgram.Socket.prototype
    const spy = vi.spyOn(dgram.Socket.prototype, 'connect')
    onTestFinished(() => spy.mockRestore())
    spy.mockImplementation(function (this: dgram.Socket, port: number, ...args: unknown[]) {
      Reflect.apply(connect, this, [port, unreachable, args.at(-1)])
    })
    client.send(rrq('ipxe.efi'), server.port)
    expect(await outcomes(records, 1)).toEqual(['aborted'])
    expect(records[0]?.message).toMatch(/^connect E.*203\.0\.113\.9/)
    expect(server.transfers()).toBe(0)
    spy.mockRestore()
    expect((await fetchRaw(client, server.port, 'sb/grubx64.efi')).bytes).toEqual(files['sb/grubx64.efi'])
  })
})

describe('a machine whose addresses cannot be listed', () => {
  test('is served on all addresses, and its addresses are listed again', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
    const list = vi.spyOn(os, 'networkInterfaces').mockImplementation(() => {
      throw Object.assign(new Error('uv_interface_addresses: too many open files'), { code: 'EMFILE' })
    })
    onTestFinished(() => {
      list.mockRestore()
      syncBuiltinESMExports()
      vi.useRealTimers()
    })
    syncBuiltinESMExports()
    const { server } = await serve(files, { host: '0.0.0.0' })
    expect(list).toHaveBeenCalledTimes(1)
    vi.advanceTimersByTime(3000)
    expect(list).toHaveBeenCalledTimes(2)
    const client = await rawClient()
    expect((await fetchRaw(client, server.port, 'ipxe.efi')).bytes).toEqual(files['ipxe.efi'])
  })
})
