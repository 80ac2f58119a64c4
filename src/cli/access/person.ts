// `bootwright person`.
import { type Command, Option } from 'commander'
import type { Person, PersonLink, SessionList } from '../../api/schemas/access/person.ts'
import { roles } from '../../model/access/role.ts'
import { withQuery } from '../shell/client.ts'
import { type CliDeps, clientOf, print } from '../shell/deps.ts'
import { formatTime } from '../shell/format.ts'
import { pathOf } from '../shell/path.ts'
import { formatFields, formatTable } from '../shell/table.ts'

const roleOption = () => new Option('--role <role>', 'rights of the person').choices(roles)
const nameText = 'sign-in name or id of the person'

/** `bootwright person`. */
export function addPersonCommand(program: Command, deps: CliDeps): void {
  const person = program.command('person').description('manage people who sign in to the page')

  person
    .command('add')
    .description('add a person; prints a one-time link to set the password')
    .argument('<name>', 'sign-in name')
    .addOption(roleOption().makeOptionMandatory())
    .action(async (name: string, { role }: { role: string }, command: Command) => {
      const made = await clientOf(command, deps).ask<PersonLink>('POST', '/people', { name, role })
      printLink(command, deps, made)
    })

  person
    .command('list')
    .description('list people')
    .action(async (_options, command: Command) => {
      const items = await clientOf(command, deps).list<Person>('/people')
      print(command, deps, { items }, () => formatPeople(items))
    })

  person
    .command('set')
    .description('change the role of a person, or disable or enable the person')
    .argument('<name>', nameText)
    .addOption(roleOption())
    .addOption(new Option('--disable', 'refuse sign-ins, and end all sessions').conflicts('enable'))
    .option('--enable', 'allow sign-ins again')
    .action(async (name: string, options: { role?: string; disable?: true; enable?: true }, command: Command) => {
      const { role, disable, enable } = options
      if (role === undefined && !disable && !enable) command.error('error: expected --role, --disable or --enable')
      const change = { ...(role && { role }), ...(disable && { disabled: true }), ...(enable && { disabled: false }) }
      const changed = await clientOf(command, deps).ask<Person>('PATCH', pathOf('people', name), change)
      print(command, deps, changed, formatPerson)
    })

  person
    .command('reset')
    .description('print a one-time link to set a new password; ends all sessions and any lockout')
    .argument('<name>', nameText)
    .action(async (name: string, _options, command: Command) => {
      printLink(command, deps, await clientOf(command, deps).ask<PersonLink>('POST', `${pathOf('people', name)}/reset`))
    })

  person
    .command('delete')
    .description('delete a person, with all sessions')
    .argument('<name>', nameText)
    .action(async (name: string, _options, command: Command) => {
      await clientOf(command, deps).ask('DELETE', pathOf('people', name))
      deps.err(`person ${name} deleted\n`)
    })

  person
    .command('sessions')
    .description('list the signed-in browsers of a person, or of all people')
    .argument('[name]', nameText)
    .action(async (name: string | undefined, _options, command: Command) => {
      const query = name === undefined ? {} : { person: name }
      const { items } = await clientOf(command, deps).ask<SessionList>('GET', withQuery('/sessions', query))
      print(command, deps, { items }, () => formatSessions(items))
    })

  person
    .command('revoke')
    .description('revoke all sessions of a person, or only one')
    .argument('<name>', nameText)
    .option('--session <id>', 'only this session, as listed')
    .action(async (name: string, { session }: { session?: string }, command: Command) => {
      const path = session === undefined ? `${pathOf('people', name)}/sessions` : pathOf('sessions', session)
      await clientOf(command, deps).ask('DELETE', path)
      deps.err(session === undefined ? `all sessions of ${name} revoked\n` : `session ${session} revoked\n`)
    })
}

/** The link alone on standard output, and its use on standard error. */
function printLink(command: Command, deps: CliDeps, made: PersonLink): void {
  print(command, deps, made, () => made.link.url)
  const until = formatTime(made.link.expiresAt)
  deps.err(`${made.person.name} opens this link once, before ${until}, and sets a password\n`)
}

function formatPeople(items: Person[]): string {
  return formatTable(
    ['NAME', 'ROLE', 'SIGNS IN WITH', 'LAST SIGN-IN', 'STATE'],
    items.map((row) => [row.name, row.role, methodOf(row), formatTime(row.lastSignInAt), stateOf(row)]),
  )
}

function formatPerson(row: Person): string {
  return formatFields({
    name: row.name,
    role: row.role,
    'signs in with': methodOf(row),
    state: stateOf(row),
    id: row.id,
  })
}

function methodOf({ issuer, hasPassword }: Person): string {
  return issuer ?? (hasPassword ? 'password' : 'no password yet')
}

function stateOf({ disabled }: Person): string {
  return disabled ? 'disabled' : 'enabled'
}

function formatSessions(items: SessionList['items']): string {
  return formatTable(
    ['ID', 'PERSON', 'METHOD', 'ADDRESS', 'SIGNED IN', 'LAST USED', 'BROWSER'],
    items.map((row) => [
      row.id,
      row.person.name,
      row.method,
      row.address,
      formatTime(row.createdAt),
      formatTime(row.lastUsedAt),
      row.userAgent.slice(0, 40),
    ]),
  )
}
