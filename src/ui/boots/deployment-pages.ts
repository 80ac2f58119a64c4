// The URLs of the pages about deployments and rollouts.
import type { Route } from '../http/route.ts'
import * as batches from './batches.ts'
import * as deploy from './deploy.ts'
import * as deployments from './deployments.ts'
import { rollBack, rollBackPage } from './rollouts/roll-back.ts'
import * as rollouts from './rollouts/rollouts.ts'
import * as started from './rollouts/start.ts'

export const deploymentPages: Route[] = [
  ['get', '/deployments', deployments.list, 'boots.read'],
  ['get', '/new/deployment', deploy.newPage, 'deployments.edit'],
  ['post', '/new/deployment', deploy.arm, 'deployments.edit'],
  ['get', '/deployments/batches', batches.list, 'boots.read'],
  ['get', '/deployments/batches/:batch', batches.get, 'boots.read'],
  ['get', '/deployments/batches/:batch/retry', batches.retryPage, 'deployments.edit'],
  ['post', '/deployments/batches/:batch/retry', batches.retry, 'deployments.edit'],
  ['get', '/deployments/batches/:batch/stop', batches.stopPage, 'deployments.edit'],
  ['post', '/deployments/batches/:batch/stop', batches.stop, 'deployments.edit'],
  ['get', '/new/rollout', started.newPage, 'deployments.edit'],
  ['post', '/new/rollout', started.start, 'deployments.edit'],
  ['get', '/rollouts', rollouts.list, 'boots.read'],
  ['get', '/rollouts/:id', rollouts.get, 'boots.read'],
  ['get', '/rollouts/:id/rollback', rollBackPage, 'deployments.edit'],
  ['post', '/rollouts/:id/rollback', rollBack, 'deployments.edit'],
  ['post', '/rollouts/:id/:verb', rollouts.act, 'deployments.edit'],
  ['get', '/deployments/:id', deployments.get, 'boots.read'],
  ['post', '/deployments/:id/cancel', deployments.cancel, 'deployments.edit'],
]
