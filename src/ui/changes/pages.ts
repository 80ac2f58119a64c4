// The pages of the audit log and of webhooks.
import type { Route } from '../http/route.ts'
import { changes } from './changes.ts'
import { changeWebhook, deleteWebhook, retryMessages, switchWebhook, testWebhook, webhook } from './webhook.ts'
import { createWebhook, webhooks } from './webhooks.ts'

export const changePages: Route[] = [
  ['get', '/changes', changes, 'changes.read'],
  ['get', '/setup/webhooks', webhooks, 'webhooks.edit'],
  ['post', '/setup/webhooks', createWebhook, 'webhooks.edit'],
  ['get', '/setup/webhooks/:id', webhook, 'webhooks.edit'],
  ['post', '/setup/webhooks/:id', changeWebhook, 'webhooks.edit'],
  ['post', '/setup/webhooks/:id/test', testWebhook, 'webhooks.edit'],
  ['post', '/setup/webhooks/:id/switch', switchWebhook, 'webhooks.edit'],
  ['post', '/setup/webhooks/:id/delete', deleteWebhook, 'webhooks.edit'],
  ['post', '/setup/webhooks/:id/retry', retryMessages, 'webhooks.edit'],
]
