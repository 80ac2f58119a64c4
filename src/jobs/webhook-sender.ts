// Changes, sent to other systems: which message is due is in inventory/changes/webhooks.ts, how one is sent in bytes/fetch/signed-message.ts.

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
  /** How often the database is asked, milliseconds. */
  everyMs: number
  /** How long a receiver may take, milliseconds. */
  timeoutMs: number
  /** How long to wait after each try that failed, milliseconds; after the last the message is given up. */
  retriesMs: number[]
}

const [second, minute, hour] = [1000, 60_000, 3_600_000]

/** Ten tries over about a day, as Standard Webhooks recommends. */
const usualTimes: SenderTimes = {
  everyMs: second,
  timeoutMs: 10 * second,
  retriesMs: [5 * second, 30 * second, 2 * minute, 10 * minute, 30 * minute, hour, 3 * hour, 6 * hour, 12 * hour],
}

const maxPerWebhook = 20

/**
 * Sends changes to webhooks, signed as the Standard Webhooks specification says (webhook-id, webhook-timestamp,
 * webhook-signature v1). Never in the path of a request or a boot, and a receiver that is slow to answer holds up no other.
 * 410 Gone switches a webhook off.
 */
export function startWebhookSender(
  db: Db,
  sealer: Sealer,
  log: Logger,
  times: SenderTimes = usualTimes,
): { stop: () => Promise<void> } {
  const stopped = new AbortController()
  /** The deliveries under way, by webhook. */
  const sending = new Map<string, Promise<void>>()

  const startSending = async () => {
    await queueDeliveries(db)
    const due = await takeDue(db, sealer, { maxPerWebhook, except: [...sending.keys()] })
    for (const id of new Set(due.map(({ webhookId }) => webhookId))) {
      const messages = due.filter(({ webhookId }) => webhookId === id)
      const sent = Promise.all(messages.map((message) => deliver(db, message, log, times, stopped.signal)))
      const recorded = sent.then(
        () => undefined,
        (error: unknown) => log.warn({ error: messageOf(error) }, 'webhook deliveries were not recorded'),
      )
      // The next messages of a webhook follow at once.
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
  // Not sent, or not known to be: it is due again in a minute.
  if (typeof status !== 'number' && stopped.aborted) return
  const fields = { webhook: due.webhookId, message: due.id, attempt: due.attempts + 1 }
  if (typeof status === 'number' && status >= 200 && status < 300) return deliveryDone(db, due.id)
  if (status === 410) {
    await changeWebhook(db, due.webhookId, { active: false }, system)
    await deliveryFailed(db, due.id, 'the receiver answered 410 Gone: the webhook is switched off', undefined)
    log.warn(fields, 'webhook switched off: 410 Gone')
    return
  }
  const error = typeof status === 'number' ? `the receiver answered ${status}` : status
  const waitMs = retriesMs[due.attempts]
  // A fifth more or less, so that many messages do not come back at the same moment.
  await deliveryFailed(db, due.id, error, waitMs && Math.round(waitMs * (0.8 + Math.random() * 0.4)))
  log.warn({ ...fields, error, givenUp: waitMs === undefined }, 'webhook not delivered')
}
