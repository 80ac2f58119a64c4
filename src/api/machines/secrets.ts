import { z } from '@hono/zod-openapi'
import { findGroup } from '../../inventory/machines/groups.ts'
import { deleteSecret, listSecrets, type SecretOwner, saveSecret } from '../../inventory/machines/secrets.ts'
import { NotFoundError } from '../../lib/errors.ts'
import type { MachineKey } from '../../model/machine.ts'
import { type AdminDeps, endpoint } from '../http/endpoint.ts'
import { machineKey, moment } from '../schemas/common.ts'
import { thingName, variableName } from '../schemas/machines/assignment.ts'
import { requireMachine } from './machines.ts'

const secretSchema = z.object({ name: variableName, updatedAt: moment }).openapi('Secret')
const secretList = z.object({ items: z.array(secretSchema) }).openapi('SecretList')

const secretPut = z
  .strictObject({
    value: z
      .string()
      .min(1, 'a value')
      .max(65_536, 'at most 65536 characters')
      .refine((text) => !/\0|\p{Cs}/u.test(text), 'text without NUL and halves of surrogate pairs')
      .openapi({ writeOnly: true }),
  })
  .openapi('SecretPut')

const ofMachine = {
  params: z.object({ id: machineKey }),
  named: z.object({ id: machineKey, secret: variableName }),
  noun: 'machine',
  Noun: 'Machine',
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
  owner: async (db: AdminDeps['db'], { name }: { name: string }): Promise<SecretOwner> => {
    if ((await findGroup(db, name)) === undefined) throw new NotFoundError(`there is no group ${name}`)
    return { kind: 'group', id: name }
  },
}

type Of<Key> = {
  params: z.ZodType<Key>
  named: z.ZodType<Key & { secret: string }>
  noun: string
  Noun: string
  owner: (db: AdminDeps['db'], key: Key) => Promise<SecretOwner>
}

function secretsOf<Key>({ params, named, noun, Noun, owner }: Of<Key>) {
  return {
    list: endpoint({
      operationId: `list${Noun}Secrets`,
      summary: `The names of a ${noun}'s secrets; nobody can read their values back`,
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
      summary: `Set a secret of a ${noun}`,
      description:
        'It is encrypted at rest, and appears only in an answer file that a live boot fetches with its token.',
      params: named,
      body: secretPut,
      statuses: { 204: 'It is set' },
      answer: async ({ db, sealer }, { params: key, body, by }) => {
        await saveSecret(db, sealer, await owner(db, key), key.secret, body.value, by)
        return { status: 204 }
      },
    }),
    remove: endpoint({
      operationId: `delete${Noun}Secret`,
      summary: `Forget a secret of a ${noun}`,
      params: named,
      statuses: { 204: 'It is gone' },
      answer: async ({ db }, { params: key, by }) => {
        await deleteSecret(db, await owner(db, key), key.secret, by)
        return { status: 204 }
      },
    }),
  }
}

export const machineSecrets = secretsOf(ofMachine)
export const groupSecrets = secretsOf(ofGroup)
