// The loop that sends changes to webhooks. The queue is in inventory/changes/webhooks.ts.

import { sendMessage } from '../bytes/fetch/signed-message.ts'
import type { Db } from '../db/open.ts'
import { system } from '../inventory/changes/changes.ts'
import {
  changeWebhook,
  type DueDelivery,
  deliveryDone,
  deliveryFailed,
  queueDeliveries,
  takeDue,
} from '../inventory/changes/webhooks.ts'
import { messageOf } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { Sealer } from '../lib/seal.ts'
import { startLoop } from '../lib/time/loop.ts'

export type SenderTimes = {
  /** Milliseconds between two queries for due messages. */
  everyMs: number
  /** The timeout of a receiver, milliseconds. */
  timeoutMs: number
  /** The wait after each failed attempt, milliseconds. After one more attempt, Bootwright gives up. */
  retriesMs: number[]
}

const [second, minute, hour] = [1000, 60_000, 3_600_000]

/** Ten attempts over about a day, as Standard Webhooks recommends. */
const usualTimes: SenderTimes = {
  everyMs: second,
  timeoutMs: 10 * second,
  retriesMs: [5 * second, 30 * second, 2 * minute, 10 * minute, 30 * minute, hour, 3 * hour, 6 * hour, 12 * hour],
}

const maxPerWebhook = 20

/**
 * Sends changes to webhooks in the background, so that no request and no boot waits for a receiver. A slow receiver
 * does not delay the others. The response 410 Gone switches a webhook off.
 */
export function startWebhookSender(
  db: Db,
  sealer: Sealer,
  log: Logger,
  times: SenderTimes = usualTimes,
): { stop: () => Promise<void> } {
  const stopped = new AbortController()
  /** The current deliveries, by webhook. */
  const sending = new Map<string, Promise<void>>()

  const startSending = async () => {
    await queueDeliveries(db)
    const due = await takeDue(db, sealer, { maxPerWebhook, except: [...sending.keys()] })
    for (const id of new Set(due.map(({ webhookId }) => webhookId))) {
      const messages = due.filter(({ webhookId }) => webhookId === id)
      const sent = Promise.all(messages.map((message) => deliver(db, message, log, times, stopped.signal)))
      const recorded = sent.then(
        () => undefined,
        (error: unknown) => log.warn({ error: messageOf(error) }, 'webhook deliveries not recorded'),
      )
      // The next messages of this webhook are sent immediately.
      sending.set(
        id,
        recorded.finally(() => {
          sending.delete(id)
          loop.wake()
        }),
      )
    }
    return false
  }
  const loop = startLoop(startSending, { name: 'webhook delivery', everyMs: times.everyMs, log })
  return {
    stop: async () => {
      stopped.abort()
      await loop.stop()
      await Promise.all(sending.values())
    },
  }
}

async function deliver(
  db: Db,
  due: DueDelivery,
  log: Logger,
  { timeoutMs, retriesMs }: SenderTimes,
  stopped: AbortSignal,
): Promise<void> {
  const status = await sendMessage(due, timeoutMs, stopped).catch((error: unknown) => messageOf(error))
  // The message may not have been sent. It is due again in a minute.
  if (typeof status !== 'number' && stopped.aborted) return
  const fields = { webhook: due.webhookId, message: due.id, attempt: due.attempts + 1 }
  if (typeof status === 'number' && status >= 200 && status < 300) return deliveryDone(db, due.id)
  if (status === 410) {
    await changeWebhook(db, due.webhookId, { active: false }, system)
    await deliveryFailed(db, due.id, 'the receiver answered 410 Gone, so the webhook was switched off', undefined)
    log.warn(fields, 'webhook switched off, because its receiver answered 410 Gone')
    return
  }
  const error = typeof status === 'number' ? `the receiver answered ${status}` : status
  const waitMs = retriesMs[due.attempts]
  // The wait varies by 20 %, so that the retries of many messages are spread over time.
  await deliveryFailed(db, due.id, error, waitMs && Math.round(waitMs * (0.8 + Math.random() * 0.4)))
  log.warn({ ...fields, error, givenUp: waitMs === undefined }, 'webhook not delivered')
}
