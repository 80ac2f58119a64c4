// Problems of this moment, each with the page where it is resolved. Pure.
import type { Now } from '../../../api/schemas/boots/now.ts'
import { count, placePath } from '../../http/format.ts'
import type { State } from '../words.ts'

export type Problem = {
  state: State
  what: string
  where: string
  code: string | undefined
  path: string
  link: string
}

const findingStates: Record<'ok' | 'warning' | 'error' | 'unknown', State> = {
  ok: { tone: 'ok', words: 'ok' },
  warning: { tone: 'warn', words: 'warning' },
  error: { tone: 'bad', words: 'error' },
  unknown: { tone: 'idle', words: 'not checked' },
}

/** Problems, errors first. Each problem leads to the page where it is resolved. */
export function problemsOf({ findings: { server, doctor, foreignServers, conflicts }, database }: Now): Problem[] {
  const found = [...(server?.findings ?? []), ...(doctor?.findings ?? [])].filter(({ state }) => state !== 'unknown')
  const checked = groupsOf(found).map(([first, ...others]) => ({
    state: findingStates[first.state],
    what: `${first.check}: ${first.seen}`,
    where: placesOf([first, ...others].map(({ where }) => where)),
    code: first.code,
    path: placePath(first.where) ?? '/setup/doctor',
    link: placePath(first.where) === undefined ? 'Next steps' : `Open ${first.where}`,
  }))
  const servers = foreignServers.map(({ address, role, interface: on, count: seen }) => ({
    state: findingStates.warning,
    what: `another ${role === 'dhcp' ? 'DHCP' : 'boot'} server answers on this network, seen ${count(seen, 'time')}`,
    where: on === undefined ? address : `${address} on ${on}`,
    code: undefined,
    path: '/setup/doctor#servers',
    link: 'Acknowledge it',
  }))
  const conflicting = {
    state: findingStates.warning,
    what: `${count(conflicts, 'request')} matched several machines, so these machines get no image`,
    where: 'inventory',
    code: 'BW-CONFLICT',
    path: '/codes/BW-CONFLICT',
    link: 'Next steps',
  }
  const away = {
    state: findingStates.error,
    what: 'the database does not answer. Machines continue to boot; this page shows what was last known',
    where: 'database',
    code: undefined,
    path: '/setup/doctor',
    link: 'Next steps',
  }
  const all = [...(database === 'away' ? [away] : []), ...checked, ...(conflicts > 0 ? [conflicting] : []), ...servers]
  return all.toSorted((a, b) => Number(b.state.tone === 'bad') - Number(a.state.tone === 'bad'))
}

type Finding = NonNullable<Now['findings']['server']>['findings'][number]

/** Findings that differ only in their place, together: one mistake may concern a hundred machines. */
function groupsOf(findings: Finding[]): [Finding, ...Finding[]][] {
  const groups = new Map<string, [Finding, ...Finding[]]>()
  for (const finding of findings) {
    const key = JSON.stringify([finding.state, finding.code, finding.check, finding.seen])
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [finding])
    else if (group.every(({ where }) => where !== finding.where)) group.push(finding)
  }
  return [...groups.values()]
}

const maxPlaces = 4

/** `machine db01, machine db02 and 3 more`. */
function placesOf(places: string[]): string {
  const named = places.slice(0, maxPlaces).join(', ')
  return places.length > maxPlaces ? `${named} and ${places.length - maxPlaces} more` : named
}
