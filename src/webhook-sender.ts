import type { Db } from './db/open.ts'
import { messageOf } from './errors.ts'
import {
  changeWebhook,
  type DueDelivery,
  deliveryDone,
  deliveryFailed,
  queueDeliveries,
  takeDue,
} from './inventory/webhooks.ts'
import type { Logger } from './log.ts'
import type { Sealer } from './seal.ts'
import { sendMessage } from './webhook-message.ts'

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

const atOnce = 20

/**
 * Sends changes to webhooks, signed as the Standard Webhooks specification says (webhook-id, webhook-timestamp,
 * webhook-signature v1). Never in the path of a request or a boot. 410 Gone switches a webhook off.
 */
export function startWebhookSender(
  db: Db,
  sealer: Sealer,
  log: Logger,
  times: SenderTimes = usualTimes,
): { stop: () => Promise<void> } {
  let stopped = false
  let timer: NodeJS.Timeout | undefined
  let running: Promise<void> = Promise.resolve()

  const round = async () => {
    try {
      await queueDeliveries(db)
      for (;;) {
        const due = await takeDue(db, sealer, atOnce)
        await Promise.all(due.map((one) => deliver(db, one, log, times)))
        if (due.length < atOnce || stopped) break
      }
    } catch (error) {
      log.warn({ error: messageOf(error) }, 'webhooks wait for the database')
    }
    if (!stopped) plan()
  }
  const plan = () => {
    timer = setTimeout(() => {
      running = round()
    }, times.everyMs)
  }
  plan()
  return {
    stop: async () => {
      stopped = true
      clearTimeout(timer)
      await running
    },
  }
}

async function deliver(db: Db, due: DueDelivery, log: Logger, { timeoutMs, retriesMs }: SenderTimes): Promise<void> {
  const status = await sendMessage(due, timeoutMs).catch((error: unknown) => messageOf(error))
  const fields = { webhook: due.webhookId, message: due.id, attempt: due.attempts + 1 }
  if (typeof status === 'number' && status >= 200 && status < 300) return deliveryDone(db, due.id)
  if (status === 410) {
    await changeWebhook(db, due.webhookId, { active: false })
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
