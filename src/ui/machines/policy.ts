// /setup/policy: what machines boot that have no image and match no group.
import type { Image } from '../../api/schemas/images/image.ts'
import type { Menu } from '../../api/schemas/machines/menu.ts'
import type { Policy } from '../../api/schemas/machines/policy.ts'
import { formatImageRef } from '../../model/image.ts'
import { readVersion } from '../forms/assignment.ts'
import { changedSince, type Meanwhile } from '../forms/changed.ts'
import { type Counted, concernsSentence, countedPath, findConcerns } from '../forms/concerns.ts'
import type { RefusedError } from '../http/client.ts'
import type { Form } from '../http/form.ts'
import type { Listed } from '../http/listed.ts'
import type { Page, PageHandler, Visit } from '../http/visit.ts'
import { submit } from '../http/visit.ts'

/** What the page shows besides the saved policy. */
type Parts = Awaited<ReturnType<typeof findConcerns>> | { refusal: RefusedError; meanwhile: Meanwhile[] }

export const policy: PageHandler = async (visit) => policyPage(visit)

async function policyPage({ api }: Visit, entered?: Policy, parts?: Parts): Promise<Page> {
  const [{ body: current, etag }, images, menus] = await Promise.all([
    api.read<Policy>('/policy'),
    api.ask<Listed<Image>>('GET', '/images?limit=1000'),
    api.ask<Listed<Menu>>('GET', '/menus?limit=1000'),
  ])
  const chosen = entered ?? current
  return {
    view: 'machines/policy',
    title: 'Unknown machines',
    data: {
      ...{ chosen, current, etag, images: images.items, menus: menus.items, tab: 'policy' },
      openedWith: new Date().toISOString(),
      ...parts,
    },
    commands: [
      { title: 'Get the policy', path: '/policy', cli: 'policy show' },
      { title: 'Set this policy', method: 'PUT', path: '/policy', body: chosen, cli: commandOf(chosen) },
    ],
  }
}

/** Counts the machines that the policy of the form concerns, and saves nothing. */
export const previewPolicy: PageHandler = async (visit) => {
  const entered = policyOf(visit.form)
  return policyPage(visit, entered, await findConcerns(visit.api, 'PUT', '/policy', entered))
}

export const savePolicy: PageHandler = async (visit) => {
  const { api, form } = visit
  const entered = policyOf(form)
  return submit(
    async () => {
      const headers = { 'if-match': form.get('etag') ?? '*' }
      const { concerns } = await api.ask<Counted>('PUT', countedPath('/policy'), entered, headers)
      return { redirect: '/setup/policy', notice: `The policy is changed. ${concernsSentence(concerns)}` }
    },
    async (refusal) => {
      const meanwhile = await changedSince(visit, 'policy', 'policy', refusal)
      return policyPage(visit, entered, { refusal, meanwhile })
    },
  )
}

/** The API judges the names. */
function policyOf(form: Form): Policy {
  const kind = form.get('kind')
  if (kind === 'menu') return { kind, menu: form.get('menu') ?? '' }
  if (kind === 'image')
    return {
      ...{ kind, image: form.get('image') ?? '', version: readVersion(form.get('version')) },
      ...(form.has('everyBoot') && { everyBoot: true as const }),
    }
  return { kind: kind as 'local' | 'wait' }
}

function commandOf(chosen: Policy): string {
  const name = chosen.kind === 'menu' ? [chosen.menu] : chosen.kind === 'image' ? [formatImageRef(chosen)] : []
  const often = chosen.kind === 'image' && chosen.everyBoot ? ['--every-boot'] : []
  return ['policy set', chosen.kind, ...name, ...often].join(' ')
}
