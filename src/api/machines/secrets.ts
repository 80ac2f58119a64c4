// Secrets of machines and of groups: set and deleted, never read back.
import { z } from '@hono/zod-openapi'
import { findGroup } from '../../inventory/machines/groups.ts'
import { deleteSecret, listSecrets, type SecretOwner, saveSecret } from '../../inventory/machines/secrets.ts'
import { requireFound } from '../../lib/errors.ts'
import type { MachineKey } from '../../model/machine.ts'
import { type AdminDeps, endpoint } from '../http/endpoint.ts'
import { machineKey } from '../schemas/common.ts'
import { thingName, variableName } from '../schemas/machines/assignment.ts'
import { secretList, secretPut } from '../schemas/machines/secret.ts'
import { requireMachine } from './machines.ts'

const ofMachine = {
  params: z.object({ id: machineKey }),
  named: z.object({ id: machineKey, secret: variableName }),
  noun: 'machine',
  Noun: 'Machine',
  scope: { scope: 'machine' as const },
  owner: async (db: AdminDeps['db'], { id }: { id: MachineKey }): Promise<SecretOwner> => ({
    kind: 'machine',
    id: (await requireMachine(db, id)).id,
  }),
}

const ofGroup = {
  params: z.object({ name: thingName }),
  named: z.object({ name: thingName, secret: variableName }),
  noun: 'group',
  Noun: 'Group',
  scope: {},
  owner: async (db: AdminDeps['db'], { name }: { name: string }): Promise<SecretOwner> => {
    requireFound(await findGroup(db, name), `group ${name}`)
    return { kind: 'group', id: name }
  },
}

type Of<Key> = {
  params: z.ZodType<Key>
  named: z.ZodType<Key & { secret: string }>
  noun: string
  Noun: string
  scope: { scope?: 'machine' }
  owner: (db: AdminDeps['db'], key: Key) => Promise<SecretOwner>
}

function secretsOf<Key>({ params, named, noun, Noun, scope, owner }: Of<Key>) {
  return {
    list: endpoint({
      operationId: `list${Noun}Secrets`,
      action: 'inventory.read',
      ...scope,
      summary: `List the names of the secrets of a ${noun}`,
      description: 'Their values cannot be read back.',
      params,
      returns: secretList,
      statuses: { 200: 'The names' },
      answer: async ({ db }, { params: key }) => ({
        status: 200,
        body: { items: await listSecrets(db, await owner(db, key)) },
      }),
    }),
    put: endpoint({
      operationId: `put${Noun}Secret`,
      action: 'secrets.edit',
      ...scope,
      summary: `Set a secret of a ${noun}`,
      description:
        'The value is encrypted at rest. It appears only in an answer file that an active boot fetches with its token.',
      params: named,
      body: secretPut,
      statuses: { 204: 'Secret set' },
      answer: async ({ db, sealer }, { params: key, body, by }) => {
        await saveSecret(db, sealer, await owner(db, key), key.secret, body.value, by)
        return { status: 204 }
      },
    }),
    remove: endpoint({
      operationId: `delete${Noun}Secret`,
      action: 'secrets.edit',
      ...scope,
      summary: `Delete a secret of a ${noun}`,
      params: named,
      statuses: { 204: 'Secret deleted' },
      answer: async ({ db }, { params: key, by }) => {
        await deleteSecret(db, await owner(db, key), key.secret, by)
        return { status: 204 }
      },
    }),
  }
}

export const machineSecrets = secretsOf(ofMachine)
export const groupSecrets = secretsOf(ofGroup)
