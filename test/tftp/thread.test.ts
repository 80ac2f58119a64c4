import { once } from 'node:events'
import { readdirSync, readlinkSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { describe, expect, test, vi } from 'vitest'
import { ack, describePacket, fetchRaw, rrq, wrq } from './raw-client.ts'
import { content, outcomes, rawClient } from './serve.ts'
import { serveByThread } from './start-thread.ts'

const files = { 'ipxe.efi': content(100_000), small: content(700) }

describe('the TFTP thread', () => {
  test('serves boot programs and an autoexec.ipxe that it makes', async () => {
    const { thread } = await serveByThread(files)
    const client = await rawClient()
    expect((await fetchRaw(client, thread.port, 'ipxe.efi', { blksize: 1468 })).bytes).toEqual(files['ipxe.efi'])
    const { bytes } = await fetchRaw(client, thread.port, 'autoexec.ipxe')
    expect(bytes.toString()).toContain('http://127.0.0.1:8123/')
    expect(thread.addresses).toEqual([`127.0.0.1:${thread.port}`])
  })

  test('reports events, log lines and counts in the order of the transfers', async () => {
    const { thread, records, lines, counts } = await serveByThread(files)
    const client = await rawClient()
    const names = Array.from({ length: 60 }, (_, at) =>
      at % 3 === 0 ? `missing-${at}` : at % 3 === 1 ? 'small' : 'ipxe.efi',
    )
    for (const name of names) await fetchRaw(client, thread.port, name, { blksize: 8000 }).catch(() => {})
    await outcomes(records, names.length)
    expect(records.map(({ file }) => file)).toEqual(names)
    expect(lines.map(({ msg, file }) => `${msg} ${file}`)).toEqual(names.map((name) => `tftp ${name}`))
    expect(Object.fromEntries(counts)).toMatchObject({
      started: 60,
      'ended complete': 40,
      'ended not-found': 20,
      bytes: 20 * 100_700,
    })
  })

  test('ignores malformed datagrams, and datagrams from outside the subnets', async () => {
    const { thread, records, workers } = await serveByThread(files, { subnets: ['127.0.0.0/8'] })
    const { thread: closed } = await serveByThread(files, { subnets: ['192.0.2.0/24'] })
    const client = await rawClient()
    client.send(rrq('small'), thread.port)
    const first = await client.next()
    const junk = [[], [0], [0, 1], [0, 4, 0], [0, 3, 0, 1, 65], [0, 6, 0], [0, 9, 9, 9], [255, 255, 255, 255]]
    for (const bytes of junk) {
      client.send(Buffer.from(bytes), thread.port)
      client.send(Buffer.from(bytes), first?.port ?? 0)
    }
    client.send(Buffer.alloc(9000, 1), thread.port)
    client.send(rrq('small'), closed.port)
    expect(describePacket(await client.next(200))).toBe('silence')
    client.send(ack(1), first?.port ?? 0)
    expect(describePacket(await client.next())).toBe('DATA 2 (188)')
    client.send(ack(2), first?.port ?? 0)
    expect(await outcomes(records, 1)).toEqual(['complete'])
    client.send(wrq('small'), thread.port)
    expect(describePacket(await client.next())).toBe('ERROR 2 This server is read-only')
    expect(workers).toHaveLength(2)
  })

  test('refuses a port that is in use, with the code of the system', async () => {
    const { thread } = await serveByThread(files)
    await expect(serveByThread(files, { port: thread.port })).rejects.toMatchObject({ code: 'EADDRINUSE' })
  })
})

describe('a TFTP thread that ends', () => {
  test.each([
    ['is terminated', (worker: Worker) => worker.terminate(), undefined],
    ['has an uncaught error', async (worker: Worker) => worker.postMessage(null), /reading 'kind'/],
  ])('because it %s is logged and replaced on the same port', async (_, end, fault) => {
    const { thread, records, lines, workers, counts } = await serveByThread(files)
    const client = await rawClient()
    client.send(rrq('small'), thread.port)
    const first = await client.next()
    await vi.waitFor(() => expect(counts.get('started')).toBe(1))
    await end(workers[0] as Worker)
    await vi.waitFor(() => expect(lines).toMatchObject([{ level: 50, msg: 'TFTP thread ended, starting another' }]))
    if (fault !== undefined) expect(lines[0]?.error).toMatch(fault)
    // The transfer ended with its thread, and its port is closed.
    expect(counts.get('ended aborted')).toBe(1)
    client.send(ack(1), first?.port ?? 0)
    expect(describePacket(await client.next(100))).toBe('silence')
    await vi.waitFor(() => expect(workers).toHaveLength(2), { timeout: 5000 })
    const next = await rawClient()
    expect((await fetchRaw(next, thread.port, 'ipxe.efi', { blksize: 1468 })).bytes).toEqual(files['ipxe.efi'])
    expect(await outcomes(records, 1)).toEqual(['complete'])
  })

  test('leaves no socket open', async () => {
    const sockets = () => readdirSync('/proc/self/fd').filter((file) => isSocket(file)).length
    const { thread, workers, counts } = await serveByThread(files)
    const before = sockets()
    for (let client = 0; client < 20; client++) (await rawClient()).send(rrq('small'), thread.port)
    await vi.waitFor(() => expect(counts.get('started')).toBe(20))
    // Each client has a socket in this process too.
    expect(sockets()).toBe(before + 40)
    await workers[0]?.terminate()
    // The listening socket of the thread is closed as well.
    expect(sockets()).toBe(before + 19)
  })

  test('is not replaced after the stop of the server', async () => {
    const { thread, workers, lines } = await serveByThread(files)
    await workers[0]?.terminate()
    await vi.waitFor(() => expect(lines).toHaveLength(1))
    await thread.stop(0)
    await new Promise((resolve) => setTimeout(resolve, 1500))
    expect(workers).toHaveLength(1)
  })
})

describe('the stop of a TFTP thread', () => {
  test.each([false, true])('waits for a running transfer, and reports it (single port: %s)', async (singlePort) => {
    const { thread, records } = await serveByThread(files, { singlePort })
    const [running, late] = [await rawClient(), await rawClient()]
    running.send(rrq('small'), thread.port)
    const first = await running.next()
    const stopped = thread.stop(5000)
    await new Promise((resolve) => setTimeout(resolve, 50))
    late.send(rrq('small'), thread.port)
    expect(describePacket(await late.next(100))).toBe('silence')
    running.send(ack(1), first?.port ?? 0)
    expect(describePacket(await running.next())).toBe('DATA 2 (188)')
    running.send(ack(2), first?.port ?? 0)
    await stopped
    expect(records).toMatchObject([{ outcome: 'complete', bytes: 700 }])
  })

  test('aborts transfers after the timeout, with error 0', async () => {
    const { thread, records, counts } = await serveByThread(files)
    const client = await rawClient()
    client.send(rrq('small'), thread.port)
    await client.next()
    await thread.stop(50)
    expect(describePacket(await client.next())).toBe('ERROR 0 The server is shutting down')
    expect(records).toMatchObject([{ outcome: 'aborted', message: 'The server is shutting down' }])
    expect(counts.get('ended aborted')).toBe(1)
  })

  test.each([0, 300])('does not wait for a thread that ended %i ms before', async (waitMs) => {
    const { thread, workers } = await serveByThread(files)
    const ended = workers[0]?.terminate()
    if (waitMs > 0) await ended
    await new Promise((resolve) => setTimeout(resolve, waitMs))
    // Longer than this test may take.
    await thread.stop(600_000)
    expect(workers).toHaveLength(1)
  })
})

function isSocket(file: string): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${file}`).startsWith('socket:')
  } catch {
    return false
  }
}

test('a storm of 200 transfers completes while the main thread is busy for 2 s', async () => {
  const file = content(200_000)
  const { thread, records, counts } = await serveByThread({ file })
  const storm = { port: thread.port, file: 'file', clients: 200 }
  const clients = new Worker(new URL('storm-clients.js', import.meta.url), { workerData: storm })
  const done = once(clients, 'message')
  for (const until = performance.now() + 2000; performance.now() < until; );
  const [{ fetched, repeats }] = await done
  expect(fetched.every((bytes: Uint8Array) => file.equals(bytes))).toBe(true)
  expect(fetched).toHaveLength(200)
  // The packets of a transfer: 137 blocks and the OACK.
  const packets = 200 * 138
  expect(repeats).toBeLessThan(packets / 20)
  expect(counts.get('retransmissions') ?? 0).toBeLessThan(packets / 20)
  expect(await outcomes(records, 200)).toEqual(Array(200).fill('complete'))
})
