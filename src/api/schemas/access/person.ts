// Request and response schemas of people and of their sessions.
import { z } from '@hono/zod-openapi'
import { actions } from '../../../auth/may.ts'
import { parsePersonName, personNameForm } from '../../../model/access/person-name.ts'
import { roles } from '../../../model/access/role.ts'
import { history, moment, pageOf, refuse, uuidv7 } from '../common.ts'
import type { Given } from '../json.ts'

const role = z.enum(roles).openapi({
  description: 'A viewer reads, an operator also changes machines and images, an admin may do everything.',
})

export const personName = z
  .string()
  .transform((text, context) => parsePersonName(text) ?? refuse(context, personNameForm))
  .openapi({ type: 'string', example: 'anna', description: 'The sign-in name. It is stored in lower case.' })

/** A person in a URL: the id or the name. */
export const personKey = z
  .string()
  .transform((text, context) => {
    const id = uuidv7.safeParse(text).data
    if (id !== undefined) return { id }
    const name = parsePersonName(text)
    return name === undefined ? refuse(context, `${personNameForm}, or an id`) : { name }
  })
  .openapi({ type: 'string', description: 'A person: the id or the name.', example: 'anna' })

export const personSchema = z
  .object({
    id: uuidv7,
    name: z.string(),
    role,
    disabled: z.boolean().openapi({ description: 'A disabled person cannot sign in.' }),
    hasPassword: z.boolean(),
    issuer: z.string().optional().openapi({
      description: 'The OpenID provider of the person. Such a person has no password, and the role follows the groups.',
    }),
    oidcSubject: z.string().optional().openapi({ description: 'The identity at the OpenID provider.' }),
    lastSignInAt: moment.optional(),
    disabledAt: moment.optional(),
    ...history,
  })
  .openapi('Person')
export type Person = Given<typeof personSchema>

export const personList = pageOf(personSchema).openapi('PersonList')

export const personCreate = z.strictObject({ name: personName, role }).openapi('PersonCreate')

export const personPatch = z
  .strictObject({ role: role.optional(), disabled: z.boolean().optional() })
  .openapi('PersonPatch')

const link = z.object({
  url: z.string().openapi({
    description: 'The person opens it once, to set a password. Shown only now.',
    example: 'https://boot.example.org/welcome/…',
  }),
  expiresAt: moment,
})

export const personLink = z.object({ person: personSchema, link }).openapi('PersonLink')
export type PersonLink = Given<typeof personLink>

const sessionSchema = z
  .object({
    id: uuidv7,
    person: z.object({ id: uuidv7, name: z.string() }),
    method: z.enum(['password', 'oidc', 'link']).openapi({ description: 'How the person signed in.' }),
    address: z.string().openapi({ description: 'The address of the browser at the sign-in.' }),
    userAgent: z.string(),
    current: z.boolean().openapi({ description: 'True for the session of this request.' }),
    createdAt: moment,
    lastUsedAt: moment.openapi({ description: 'Exact to a minute.' }),
    expiresAt: moment.openapi({ description: 'The absolute end. An unused session ends earlier.' }),
  })
  .openapi('Session')

export const sessionList = z.object({ items: z.array(sessionSchema) }).openapi('SessionList')
export type SessionList = Given<typeof sessionList>

export const sessionQuery = z.strictObject({
  person: personKey.optional().openapi({ description: 'The sessions of this person. Without it, of all people.' }),
})

/** The client of the request. */
export const meSchema = z
  .object({
    kind: z.enum(['operator', 'token', 'person']).openapi({
      description: 'A person, a token, or the operator on the shell of the server.',
    }),
    id: uuidv7.optional().openapi({ description: 'The id of the person or the token.' }),
    session: uuidv7.optional(),
    actor: z.string().openapi({ description: 'The name in the audit log.', example: 'person anna' }),
    role,
    scope: z
      .record(z.string(), z.string())
      .optional()
      .openapi({ description: 'The labels of the machines of a token.' }),
    actions: z.array(z.enum(actions)).openapi({ description: 'The actions that the role permits.' }),
  })
  .openapi('Me')
export type Me = Given<typeof meSchema>

// The rules of auth/password-rules.ts decide. A schema that refuses a password would show it in its error.
const password = z.string().openapi({ format: 'password', minLength: 12, maxLength: 256 })

export const passwordPut = z
  .strictObject({ current: z.string().openapi({ format: 'password' }), new: password })
  .openapi('PasswordPut')
