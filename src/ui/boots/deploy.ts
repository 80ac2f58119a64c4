// /new/deployment: choose machines and an image, see what would be installed, and arm it.
import { randomUUID } from 'node:crypto'
import type { DeploymentsArm, DeploymentsArmed } from '../../api/schemas/boots/deployment.ts'
import type { AnswerFile } from '../../api/schemas/images/answer-file.ts'
import type { Image } from '../../api/schemas/images/image.ts'
import type { Group } from '../../api/schemas/machines/group.ts'
import { defaultMaxAttempts, defaultWindowSeconds } from '../../model/deployment.ts'
import type { RefusedError } from '../http/client.ts'
import type { Form } from '../http/form.ts'
import { count } from '../http/format.ts'
import { readNumber, refusal } from '../http/lines.ts'
import type { Listed } from '../http/listed.ts'
import { isCorrectable, type Page, type PageHandler, submit, type Visit } from '../http/visit.ts'
import { allFields, hiddenFields, readChoice, readOrder } from './deploy-form.ts'
import { planOf } from './plan.ts'

export const newPage: PageHandler = (visit) => show(visit, visit.query)

export const arm: PageHandler = (visit) => {
  const { api, form } = visit
  return submit(
    async () => {
      const body = { ...requireChoice(form), ...readOrder(form), expect: requireExpect(form) }
      const once = form.get('once')
      const headers = once === undefined ? {} : { 'idempotency-key': once }
      const { batch, armed, skipped } = await api.ask<DeploymentsArmed>('POST', '/deployments/bulk', body, headers)
      const left = skipped.length === 0 ? '' : ` ${count(skipped.length, 'machine')} skipped.`
      const notice = `Armed ${body.image} on ${count(armed.length, 'machine')}.${left}`
      return { redirect: `/deployments/batches/${batch}`, notice }
    },
    (refused) => show(visit, form, refused),
  )
}

async function show({ api }: Visit, form: Form, refused?: RefusedError): Promise<Page> {
  const [images, answerFiles, groups] = await Promise.all([
    api.ask<Listed<Image>>('GET', '/images?limit=1000'),
    api.ask<Listed<AnswerFile>>('GET', '/answer-files?limit=1000'),
    api.ask<Listed<Group>>('GET', '/groups?limit=1000'),
  ])
  const isAsked = form.has('preview')
  const { body, plan, refusal: faults } = isAsked ? await preview(api, form) : {}
  const given = refused ?? faults
  return {
    view: 'deployments/new',
    title: 'Deploy',
    status: given === undefined ? 200 : given.status === 409 ? 409 : 422,
    data: {
      ...{ images: images.items, plan: plan && planOf(plan), refusal: given, isAsked },
      answerFiles: answerFiles.items.map(({ name }) => name),
      groups: groups.items.map(({ name }) => name),
      fields: fieldsOf(form),
      ids: form.all('ids').flatMap((text) => text.split(/[\s,]+/)),
      hidden: hiddenFields(form),
      carried: allFields(form),
      once: randomUUID(),
      image: images.items.find(({ name }) => name === form.get('install')),
    },
    commands: [
      {
        title: 'Preview a deployment of many machines; without dryRun, arm it',
        ...{ method: 'POST', path: '/deployments/bulk' },
        body: body ?? { filter: { label: ['rack=b4'] }, image: 'debian-13', dryRun: true },
        cli: cliOf(body),
      },
    ],
  }
}

/** What would be armed, or why the API refuses it. */
async function preview(api: Visit['api'], form: Form) {
  try {
    const body: DeploymentsArm = { ...requireChoice(form), ...readOrder(form), dryRun: true }
    return { body, plan: await api.ask<DeploymentsArmed>('POST', '/deployments/bulk', body) }
  } catch (error) {
    if (!isCorrectable(error)) throw error
    return { refusal: error }
  }
}

function requireChoice(form: Form) {
  const choice = readChoice(form)
  if (choice === undefined)
    throw refusal({ field: 'machines', value: 'nothing', expected: 'a group, a label, a state or a search text' })
  return choice
}

function requireExpect(form: Form): number {
  const number = readNumber(form, 'expect')
  if (number !== undefined) return number
  throw refusal({ field: 'number of machines', value: 'nothing', expected: 'the number that the preview shows' })
}

/** The values that the form shows. */
function fieldsOf(form: Form): Record<string, string> {
  const defaults = { maxAttempts: String(defaultMaxAttempts), windowHours: String(defaultWindowSeconds / 3600) }
  return { ...defaults, ...form.values, label: form.all('label').join(' ') }
}

function cliOf(body: DeploymentsArm | undefined): string {
  return body?.filter?.group === undefined || Object.keys(body.filter).length > 1
    ? 'deployment arm --where label.rack=b4 --image debian-13 --dry-run'
    : `group show ${body.filter.group}`
}
