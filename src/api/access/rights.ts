// The rights of a request: its role, and the machines of its token.
import type { MiddlewareHandler } from 'hono'
import { type Action, may, roleFor } from '../../auth/may.ts'
import type { Db } from '../../db/open.ts'
import type { Actor } from '../../inventory/changes/changes.ts'
import { findMachine } from '../../inventory/machines/machines.ts'
import { noMachine } from '../../inventory/machines/names.ts'
import { ForbiddenError } from '../../lib/errors.ts'
import type { Role } from '../../model/access/role.ts'
import { isInScope, type Scope } from '../../model/access/scope.ts'
import type { Machine, MachineKey } from '../../model/machine.ts'
import type { ApiEnv, Endpoint } from '../http/endpoint.ts'
import { machineKey } from '../schemas/common.ts'

/**
 * Checks the rights of a request before anything of it is read or validated.
 * @throws ForbiddenError; NotFoundError for a machine outside the scope, as for a missing one
 */
export function checkRights(db: Db, { action, scope: kind }: Endpoint): MiddlewareHandler<ApiEnv> {
  return async (context, next) => {
    if (action !== 'open') {
      const { role, actor, scope } = context.get('principal')
      if (!may(role, action)) throw forbiddenForRole(role, actor, action)
      if (scope !== undefined && kind === undefined) throw forbiddenForScope(scope)
      if (scope !== undefined && kind === 'machine') await requireMachineInScope(db, scope, context.req.param('id'))
    }
    await next()
  }
}

async function requireMachineInScope(db: Db, scope: Scope, text: string | undefined): Promise<void> {
  const key = machineKey.safeParse(text)
  // The validation of the parameters refuses any other text.
  if (key.success) requireInScope(scope, await findMachine(db, key.data), key.data)
}

/** @throws NotFoundError if the machine is missing or outside the scope */
export function requireInScope(
  scope: Scope | undefined,
  machine: Machine | undefined,
  key: MachineKey,
): asserts machine is Machine {
  if (machine === undefined || !isInScope(scope, machine.labels)) throw noMachine(key)
}

/** Whether the machine of a boot or a deployment is in the scope. A boot of no machine is in no scope. */
export async function isMachineInScope(db: Db, scope: Scope | undefined, machineId: string | null): Promise<boolean> {
  if (scope === undefined) return true
  const machine = machineId === null ? undefined : await findMachine(db, { id: machineId })
  return machine !== undefined && isInScope(scope, machine.labels)
}

function forbiddenForRole(role: Role, actor: Actor, action: Action): ForbiddenError {
  const needed = roleFor(action)
  return new ForbiddenError(
    'BW-ACCESS-ROLE',
    `expected the role ${needed} or higher, got ${role} (${actor}). Next step: ask an admin for the role ${needed}`,
  )
}

/** The refusal of a token for some machines. */
export function forbiddenForScope(scope: Scope): ForbiddenError {
  const labels = Object.entries(scope).map(([key, value]) => `${key}=${value}`)
  return new ForbiddenError(
    'BW-ACCESS-SCOPE',
    `this token is only for machines with the labels ${labels.join(', ')}. Next step: use a token for all machines`,
  )
}
