// The orders by which the server has its file workers send files.
import { randomUUID } from 'node:crypto'
import type { FileRequest, Sent } from '../send/send-file.ts'

/** The client's address, and the worker that forwarded the request. */
export type Relayed = { address: string; worker: number }

/** An order to send a file, in a header of the answer to the request that the worker forwarded. */
export type FileOrder = {
  id: string
  sha256: string
  headers: { ETag: string; 'Content-Type': string } & Record<string, string>
}
/** The report of a worker after a body has ended, complete or not. */
export type OrderDone = Sent & { id: string }

/** The bytes that a worker sent since its last report, by order. Workers report at most once a second. */
export type OrdersMoved = { moved: { id: string; bytes: number }[] }

/** Hears of the bytes of an order, and of its end. */
type OrderHearer = { moved: (bytes: number) => void; sent: (result: Sent) => void }

/** The header that contains an order. It never leaves this machine. */
export const orderHeader = 'x-bootwright-send'

/** Open orders, until their workers report the end. */
export type FileOrders = {
  /** Orders the worker that forwarded the request to send the file; undefined if no worker forwarded it. */
  give: (
    asked: Pick<FileRequest, 'incoming' | 'outgoing'>,
    order: Omit<FileOrder, 'id'>,
    hearer: OrderHearer,
  ) => Response | undefined
  moved: (report: OrdersMoved) => void
  done: (result: OrderDone) => void
  /** Ends the orders of a worker that exited. */
  lost: (worker: number) => void
}

export function createFileOrders(): FileOrders {
  const orders = new Map<string, OrderHearer & { worker: number; startedAt: number }>()
  const end = (id: string, result: (startedAt: number) => Sent) => {
    const order = orders.get(id)
    orders.delete(id)
    order?.sent(result(order.startedAt))
  }
  return {
    give: ({ incoming, outgoing }, order, hearer) => {
      const { relayed } = incoming
      if (relayed === undefined) return undefined
      const id = randomUUID()
      orders.set(id, { worker: relayed.worker, startedAt: performance.now(), ...hearer })
      // If the answer does not reach the worker, the worker never sends the file.
      outgoing.once('close', () => {
        if (!outgoing.writableFinished) end(id, nothingSent)
      })
      const whole: FileOrder = { id, ...order }
      return new Response(null, { headers: { [orderHeader]: JSON.stringify(whole) } })
    },
    moved: ({ moved }) => {
      for (const { id, bytes } of moved) orders.get(id)?.moved(bytes)
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
