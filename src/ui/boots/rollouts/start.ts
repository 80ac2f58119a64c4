// /new/rollout: choose machines, an image version and waves, see what would happen, and start it.
import { randomUUID } from 'node:crypto'
import type { RolloutStart, RolloutStarted } from '../../../api/schemas/boots/rollout.ts'
import type { Image } from '../../../api/schemas/images/image.ts'
import { defaultUntilPercent } from '../../../model/rollout/rollout.ts'
import { nextOpening } from '../../../model/rollout/window.ts'
import { selectorFacts } from '../../../model/selector.ts'
import { findPreview } from '../../forms/named.ts'
import { factWords, readRows, tests, withEmptyRows } from '../../forms/selector.ts'
import { pathOf, type RefusedError } from '../../http/client.ts'
import type { Form } from '../../http/form.ts'
import { count } from '../../http/format.ts'
import { readNumber, refusal } from '../../http/lines.ts'
import type { Listed } from '../../http/listed.ts'
import { type Page, type PageHandler, submit, type Visit } from '../../http/visit.ts'
import { filterText, listUrl, readFilter } from '../../machines/filter.ts'
import { namesOf } from '../../machines/names.ts'
import { planOf } from '../plan.ts'
import { carriedFields, cliOf, fieldsOf, readIds, readRollout } from './form.ts'

const emptyRows = 2
const moreRows = 3

export const newPage: PageHandler = (visit) => show(visit, visit.query)

export const start: PageHandler = (visit) => {
  const { api, form } = visit
  return submit(
    async () => {
      const body = { ...readRollout(form), expect: requireExpect(form) }
      const once = form.get('once')
      const headers = once === undefined ? {} : { 'idempotency-key': once }
      const { rollout, machines } = await api.ask<RolloutStarted>('POST', '/rollouts', body, headers)
      const notice = `The rollout of ${body.image} on ${count(machines, 'machine')} started.`
      return { redirect: pathOf('rollouts', rollout?.id ?? ''), notice }
    },
    (refused) => show(visit, form, refused),
  )
}

async function show({ api }: Visit, form: Form, refused?: RefusedError): Promise<Page> {
  const [images, answerFiles] = await Promise.all([
    api.ask<Listed<Image>>('GET', '/images?limit=1000'),
    namesOf(api, '/answer-files'),
  ])
  const isAsked = form.has('preview')
  const { preview, fault } = isAsked ? await findPreview(() => previewOf(api, form)) : {}
  const given = refused ?? fault
  const filter = readFilter(form)
  const more = readMore(form)
  return {
    view: 'rollouts/new',
    title: 'Start a rollout',
    status: given === undefined ? 200 : given.status === 409 ? 409 : 422,
    data: {
      ...{ images: images.items, answerFiles, filter, more, refusal: given },
      preview: preview && describe(preview, images.items),
      fields: fieldsOf(form),
      filterWords: decodeURIComponent(filterText(filter).replaceAll('+', ' ')),
      list: listUrl(filter),
      ids: readIds(form),
      hidden: [...readIds(form).map((id) => ['ids', id]), ...filterPairs(filter)],
      rows: withEmptyRows(readRows(form), emptyRows + more),
      moreRows: more + moreRows,
      ...{ facts: selectorFacts, factWords, tests },
      zones: Intl.supportedValuesOf('timeZone'),
      carried: carriedFields(form),
      once: randomUUID(),
    },
    commands: [
      {
        title: 'Preview a rollout; without dryRun, start it',
        ...{ method: 'POST', path: '/rollouts' },
        body: { ...(preview?.body ?? example), dryRun: true },
        cli: `${cliOf(preview?.body ?? example) ?? cliOf(example)} --dry-run`,
      },
    ],
  }
}

const example: RolloutStart = {
  ...{ action: 'assign', image: 'debian-13', until: defaultUntilPercent },
  selector: [{ label: 'rack', equals: 'b4' }],
}

type Previewed = { body: RolloutStart; started: RolloutStarted }

/** What would be started. @throws RefusedError */
async function previewOf(api: Visit['api'], form: Form): Promise<Previewed> {
  const body = readRollout(form)
  return { body, started: await api.ask<RolloutStarted>('POST', '/rollouts', { ...body, dryRun: true }) }
}

/** The preview as the page shows it. */
function describe({ body, started }: Previewed, images: Image[]) {
  const { action, image, between } = body
  const { version, machines, waves, checked, skipped } = started
  const current = images.find(({ name }) => name === image)?.version
  const opensAt = between && nextOpening(between, new Date())
  return {
    ...{ action, image, version, machines, checked, isDraft: version !== current },
    waves: waves.map((wave, at) => ({
      ...wave,
      begins:
        at === 0 ? 'at once' : body.approve ? 'after an approval' : `after ${body.until} % of wave ${at} succeeded`,
    })),
    plan: { ...planOf({ armed: [], skipped }), count: machines },
    opensAt: opensAt && opensAt.getTime() > Date.now() ? opensAt : undefined,
  }
}

function requireExpect(form: Form): number {
  const number = readNumber(form, 'expect')
  if (number !== undefined) return number
  throw refusal({ field: 'number of machines', value: 'nothing', expected: 'the number that the preview shows' })
}

function filterPairs(filter: Record<string, string[]>): [string, string][] {
  return Object.entries(filter).flatMap(([name, values]) => values.map((value): [string, string] => [name, value]))
}

/** The number of further empty rows that the person asked for. */
function readMore(form: Form): number {
  const number = Number(form.get('more') ?? 0)
  return Number.isInteger(number) && number > 0 ? Math.min(number, 30) : 0
}
