// What the server tells its file workers to send.
import { randomUUID } from 'node:crypto'
import type { FileRequest, Sent } from '../send/send-file.ts'

/** Who asked, and which worker passed the request on. */
export type Relayed = { address: string; worker: number }

/** What a worker is told to send, in a header of the answer to the request that it passed on. */
export type FileOrder = {
  id: string
  sha256: string
  headers: { ETag: string; 'Content-Type': string } & Record<string, string>
}
/** What a worker says when a body has ended either way. */
export type OrderDone = Sent & { id: string }

/** The header that an order stands in. It never leaves this machine. */
export const orderHeader = 'x-bootwright-send'

/** Files that workers were told to send, until they have. */
export type FileOrders = {
  /** Lets the worker that passed the request on send the file; undefined when it came by none. */
  give: (asked: FileRequest, order: Omit<FileOrder, 'id'>, sent: (result: Sent) => void) => Response | undefined
  done: (result: OrderDone) => void
  /** A worker is gone, and with it what it was sending. */
  lost: (worker: number) => void
}

export function createFileOrders(): FileOrders {
  const orders = new Map<string, { worker: number; startedAt: number; sent: (result: Sent) => void }>()
  const end = (id: string, result: (startedAt: number) => Sent) => {
    const order = orders.get(id)
    orders.delete(id)
    order?.sent(result(order.startedAt))
  }
  return {
    give: ({ incoming, outgoing }, order, sent) => {
      const { relayed } = incoming
      if (relayed === undefined) return undefined
      const id = randomUUID()
      orders.set(id, { worker: relayed.worker, startedAt: performance.now(), sent })
      // If the answer does not reach the worker, the worker never sends the file.
      outgoing.once('close', () => {
        if (!outgoing.writableFinished) end(id, nothingSent)
      })
      const whole: FileOrder = { id, ...order }
      return new Response(null, { headers: { [orderHeader]: JSON.stringify(whole) } })
    },
    done: ({ id, ...result }) => end(id, () => result),
    lost: (worker) => {
      for (const [id, order] of orders) if (order.worker === worker) end(id, nothingSent)
    },
  }
}

function nothingSent(startedAt: number): Sent {
  return { bytes: 0, complete: false, durationMs: Math.round(performance.now() - startedAt) }
}
