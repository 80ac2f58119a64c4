// /machines/actions: act on many machines in three steps: choose values, look at the preview, apply.
import type { MachinesActed } from '../../../api/schemas/machines/action.ts'
import { type Query, RefusedError, withQuery } from '../../http/client.ts'
import type { Page, PageHandler, Redirect, Visit } from '../../http/visit.ts'
import { choicesOf } from '../names.ts'
import { act, type GivenAction, previewCommand } from './act.ts'
import { actionKinds } from './action-kinds.ts'
import { readTarget, type Target } from './target.ts'

const maxIdsInUrl = 300

export const actOnMachines: PageHandler = async (visit) => {
  const { api, form } = visit
  const target = readTarget(form)
  if (target === undefined)
    return { redirect: '/machines', notice: 'Nothing was selected. Select machines first, or tick “all”.' }
  const name = form.get('action') ?? ''
  const other = otherForms[name]
  if (other !== undefined) return openForm(other, target)
  const kind = actionKinds[name]
  if (kind === undefined)
    throw new RefusedError(`there is no action “${name}”. Next step: choose an action in the list`, 404, undefined, [])
  const given = { name, kind, target, form }
  const step = form.get('step') ?? (kind.fields.length === 0 ? 'preview' : 'edit')
  if (step === 'edit') return editPage(visit, given)
  const expect = step === 'apply' ? Number(form.get('expect')) : undefined
  try {
    const acted = await act(api, given, expect)
    return expect === undefined ? previewPage(given, acted) : donePage(given, acted)
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error
    // Another number of machines would change than in the preview: a new preview shows which.
    if (error.status === 409) return previewPage(given, await act(api, given, undefined), error)
    if (error.status === 422) return editPage(visit, given, error)
    throw error
  }
}

const otherForms: Record<string, string> = { deploy: '/new/deployment', rollout: '/new/rollout' }

/** Deployments and rollouts have forms and previews of their own. Their URLs have the machines. */
function openForm(form: string, { body, filter, list }: Target): Redirect {
  const ids = body.ids ?? []
  if (ids.length > maxIdsInUrl)
    return { redirect: list, notice: `For more than ${maxIdsInUrl} machines, use a filter and tick “all”.` }
  const chosen: Query = filter ?? { ids: ids.join(',') }
  return { redirect: withQuery(form, chosen) }
}

/** Creates deleted machines again. */
export const undoDeletion: PageHandler = async ({ api, form }) => {
  const path = `/machines/deleted?transaction=${encodeURIComponent(form.get('transaction') ?? '')}`
  const rows = await api.text(path)
  const upload = '/machines/bulk?atomic=true'
  const done = await api.upload<{ created: number }>('POST', upload, rows, 'application/x-ndjson')
  return { redirect: '/machines', notice: `Deletion undone: machines created again: ${done.created}.` }
}

async function editPage({ api }: Visit, given: GivenAction, refusal?: RefusedError): Promise<Page> {
  const status = refusal === undefined ? 200 : 422
  return { ...pageOf(given, 'action', { ...(await choicesOf(api)), refusal, value: given.form.get }), status }
}

function previewPage(given: GivenAction, acted: MachinesActed, refusal?: RefusedError): Page {
  const { kind, form } = given
  const values = kind.fields.flatMap((field) => form.all(field).map((value): [string, string] => [field, value]))
  const page = pageOf(given, 'action-preview', { acted, refusal, values })
  return { ...page, status: refusal === undefined ? 200 : 409, commands: [previewCommand(given)] }
}

function donePage(given: GivenAction, acted: MachinesActed): Page {
  const transaction =
    acted.undo === undefined ? undefined : new URL(acted.undo, 'http://page').searchParams.get('transaction')
  return pageOf(given, 'action-done', { acted, transaction })
}

function pageOf({ name, kind, target }: GivenAction, view: string, data: object): Page {
  return { view: `machines/${view}`, title: `${kind.title} machines`, data: { name, kind, target, ...data } }
}
