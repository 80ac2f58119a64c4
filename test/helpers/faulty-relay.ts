import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A relay in front of a server, with faults that a test switches on and off. */
export type FaultyRelay = {
  port: number
  /** Delays each piece in both directions, milliseconds. */
  delay: (ms: number) => void
  /** Nothing passes, and no connection is closed, as if a cable was pulled. False: everything passes again. */
  block: (isBlocked: boolean) => void
  /** Closes all connections. */
  cut: () => void
  /** New connections go to this port. */
  redirect: (port: number) => void
  stop: () => Promise<void>
}

/** Relays a free loopback port to another port. */
export async function startFaultyRelay(target: number): Promise<FaultyRelay> {
  const sockets = new Set<Socket>()
  let delayMs = 0
  let isBlocked = false
  const held: (() => void)[] = []
  let port = target
  const join = (source: Socket, sink: Socket) => {
    sockets.add(source)
    let turn = Promise.resolve()
    const inOrder = (work: () => void) => {
      const due = performance.now() + delayMs
      turn = turn.then(async () => {
        const waitMs = due - performance.now()
        if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs))
        while (isBlocked) await new Promise<void>((resolve) => held.push(resolve))
        work()
      })
    }
    source.on('data', (bytes) => inOrder(() => sink.write(bytes)))
    source.on('error', () => source.destroy())
    source.on('close', () => {
      sockets.delete(source)
      inOrder(() => sink.destroy())
    })
  }
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    join(client, upstream)
    join(upstream, client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const block = (blocked: boolean) => {
    isBlocked = blocked
    if (!blocked) for (const release of held.splice(0)) release()
  }
  const cut = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    delay: (ms) => {
      delayMs = ms
    },
    block,
    cut,
    redirect: (to) => {
      port = to
    },
    stop: async () => {
      block(false)
      cut()
      server.close()
      await once(server, 'close')
    },
  }
}
