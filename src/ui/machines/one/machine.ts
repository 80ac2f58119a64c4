// /machines/:id: a machine, what it boots next and why, what it went through, and who changed it.
import type { ExplainedDecision } from '../../../api/schemas/boots/decision.ts'
import type { Deployment } from '../../../api/schemas/boots/deployment.ts'
import type { StripList } from '../../../api/schemas/boots/strips.ts'
import type { Timeline } from '../../../api/schemas/boots/timeline.ts'
import type { Change } from '../../../api/schemas/changes/change.ts'
import type { Concerns } from '../../../api/schemas/machines/concerns.ts'
import type { FindingList } from '../../../api/schemas/machines/finding.ts'
import type { Machine } from '../../../api/schemas/machines/machine.ts'
import type { PowerView } from '../../../api/schemas/machines/power.ts'
import type { SecretList } from '../../../api/schemas/machines/secret.ts'
import { rowOf } from '../../boots/deployment-words.ts'
import { stripOf } from '../../boots/strip.ts'
import { attemptsOf } from '../../boots/timeline.ts'
import { differencesOf } from '../../changes/differences.ts'
import { changedSince, type Meanwhile } from '../../forms/changed.ts'
import { type Counted, countedPath, findConcerns } from '../../forms/concerns.ts'
import { pathOf, RefusedError, withQuery } from '../../http/client.ts'
import type { Listed } from '../../http/listed.ts'
import { type Page, type PageHandler, submit, type Visit } from '../../http/visit.ts'
import { archivedMachine } from '../archived.ts'
import { choicesOf } from '../names.ts'
import { handleOf, nameOf, stateOf } from '../state.ts'
import { findAnswers } from './answers.ts'
import { changeOf, fieldsOf, notesOf } from './machine-form.ts'
import { nextBootOf } from './next-boot.ts'
import { buttonsOf } from './power.ts'
import { factRows, identityRows } from './rows.ts'

/** What the forms of the page show: refusals, what others changed, and what a change would do. */
type Parts = { refusal?: RefusedError; secretRefusal?: RefusedError; meanwhile?: Meanwhile[] } & Partial<
  Awaited<ReturnType<typeof findConcerns>>
>

export const show: PageHandler = async (visit) => {
  try {
    return await machinePage(visit)
  } catch (error) {
    const page = error instanceof RefusedError && error.status === 404 ? await archivedMachine(visit) : undefined
    if (page === undefined) throw error
    return page
  }
}

export const save: PageHandler = async (visit) => {
  const { api, form } = visit
  const { body: machine, etag: newest } = await requireMachine(visit)
  const etag = form.get('etag') ?? newest
  return submit(
    async () => {
      const path = countedPath(pathOf('machines', machine.id))
      const { concerns } = await api.ask<Counted>('PATCH', path, changeOf(form, machine), { 'if-match': etag })
      return { redirect: `/machines/${machine.id}`, notice: `Saved. ${effectOf(concerns)}` }
    },
    async (refusal) => {
      const meanwhile = await changedSince(visit, 'machine', machine.id, refusal)
      return machinePage(visit, { refusal, meanwhile })
    },
  )
}

/** Shows what the machine would boot after the change of the form, and saves nothing. */
export const preview: PageHandler = async (visit) => {
  const { api, form } = visit
  const { body: machine } = await requireMachine(visit)
  const path = pathOf('machines', machine.id)
  return machinePage(visit, await findConcerns(api, 'PATCH', path, changeOf(form, machine)))
}

function effectOf(concerns: Concerns | undefined): string {
  const [change] = concerns?.changes ?? []
  return change === undefined
    ? 'The machine boots the same as before.'
    : `From its next network boot on, the machine boots ${change.after}.`
}

/** The machine of the URL. */
async function requireMachine({ api, params }: Visit): Promise<{ body: Machine; etag: string }> {
  return api.read<Machine>(pathOf('machines', params.id ?? ''))
}

/** The page of a machine, with a form again that was refused. */
export async function machinePage(visit: Visit, parts: Parts = {}): Promise<Page> {
  const { refusal, secretRefusal } = parts
  const { body: machine, etag } = await requireMachine(visit)
  const { api, may, form, query } = visit
  const path = pathOf('machines', machine.id)
  const before = query.get('before')
  const timelinePath = withQuery(`${path}/timeline`, { limit: '5', before })
  const [decision, script, timeline, strips, changes, deployments, findings, answers, choices, secrets, power] =
    await Promise.all([
      api.ask<ExplainedDecision>('GET', `${path}/decision`),
      api.text(`${path}/script`),
      api.ask<Timeline>('GET', timelinePath),
      api.ask<StripList>('GET', withQuery('/machines/strips', { ids: machine.id })),
      api.ask<Listed<Change>>('GET', withQuery('/changes', { subject: machine.id, limit: '20' })),
      api.ask<Listed<Deployment>>('GET', withQuery('/deployments', { machine: machine.id, limit: '5' })),
      api.ask<FindingList>('GET', '/findings'),
      findAnswers(visit, machine.id),
      may('machines.edit') ? choicesOf(api) : undefined,
      api.ask<SecretList>('GET', `${path}/secrets`),
      api.find<PowerView>(`${path}/power`),
    ])
  const strip = strips.items[0]
  const name = nameOf(machine)
  const isPowering = power?.last !== undefined && power.last.endedAt === undefined
  const isBusy =
    isPowering || strip?.deployment !== undefined || strip?.boots.some(({ outcome }) => outcome === undefined)
  return {
    view: 'machines/machine',
    title: name,
    data: {
      ...{ machine, name, script, answers, choices, isBusy, ...parts },
      url:
        Object.keys(parts).length === 0 && visit.url.startsWith(`/machines/${machine.id}`)
          ? visit.url
          : `/machines/${machine.id}`,
      state: stateOf(machine, strip),
      strip: stripOf(strip?.boots ?? []),
      next: nextBootOf(decision, handleOf(machine)),
      power: power && { ...power, buttons: buttonsOf(power) },
      secrets: secrets.items,
      enteredSecret: secretRefusal && form.get('secret'),
      identity: identityRows(machine),
      facts: factRows(machine),
      notes: notesOf(machine),
      attempts: attemptsOf(timeline),
      older: timeline.next && `/machines/${machine.id}?${new URLSearchParams({ before: timeline.next })}#timeline`,
      deployments: deployments.items.map(rowOf),
      findings: findings.items.filter(({ machines }) => machines.some(({ id }) => id === machine.id)),
      changes: changes.items.map((change) => ({ ...change, differences: differencesOf(change) })),
      fields: refusal !== undefined || form.has('etag') ? form.values : fieldsOf(machine),
      etag: refusal === undefined || refusal.status === 412 ? etag : (form.get('etag') ?? etag),
    },
    commands: commandsOf(machine, timelinePath),
  }
}

function commandsOf(machine: Machine, timeline: string) {
  const handle = handleOf(machine)
  const path = pathOf('machines', machine.id)
  return [
    { title: 'Show the machine', path, cli: `machine show ${handle}` },
    { title: 'Explain what it boots', path: `${path}/decision`, cli: `explain ${handle}` },
    { title: 'Preview its script', path: `${path}/script`, cli: `preview ${handle}` },
    { title: 'Show what it went through', path: timeline, cli: `timeline ${handle}` },
    {
      ...{ title: 'Change it', method: 'PATCH' as const, path, body: { labels: { rack: 'b4' } } },
      cli: `machine set ${handle} --label rack=b4`,
    },
    {
      ...{ title: 'Set a secret of it', method: 'PUT' as const, path: `${path}/secrets/root_password` },
      ...{ body: { value: '…' }, cli: `secret set root_password --machine ${handle}` },
    },
  ]
}
