// Signed webhook messages (Standard Webhooks).
import { createHmac } from 'node:crypto'
import { openAnswer } from './http-request.ts'

/** A message to a receiver, and the secret (`whsec_…`) that signs it. */
export type WebhookMessage = { id: string; url: string; secret: string; body: string }

/**
 * Sends a message, signed as the Standard Webhooks specification requires (webhook-id, webhook-timestamp, webhook-signature v1).
 * Returns the HTTP status; rejects if there is no answer.
 */
export async function sendMessage(
  { id, url, secret, body }: WebhookMessage,
  timeoutMs: number,
  stopped?: AbortSignal,
): Promise<number> {
  const timestamp = String(Math.floor(Date.now() / 1000))
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const signature = createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')
  const timeout = AbortSignal.timeout(timeoutMs)
  const answer = await openAnswer(new URL(url), {
    method: 'POST',
    signal: stopped === undefined ? timeout : AbortSignal.any([timeout, stopped]),
    headers: {
      'content-type': 'application/json',
      'user-agent': 'Bootwright',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature}`,
    },
    body,
  })
  // Redirects are not followed: they could send the message to a host that the operator did not configure.
  answer.destroy()
  return answer.statusCode ?? 0
}
