// /machines/upload: create or change many machines from CSV, after a preview.
import type { BulkLine } from '../../../api/schemas/machines/bulk.ts'
import { withQuery } from '../../http/client.ts'
import { count } from '../../http/format.ts'
import type { Page, PageHandler } from '../../http/visit.ts'

type Summary = { rows: number; created: number; changed: number; unchanged: number; failed: number; items: BulkLine[] }

const maxShown = 50

export const uploadForm: PageHandler = async () => page({})

/** Previews the rows, or saves all of them if none is bad. */
export const uploadRows: PageHandler = async ({ api, form }) => {
  const csv = form.get('csv')
  if (csv === undefined)
    return { redirect: '/machines/upload', notice: 'There were no rows. Choose a file, or paste its text.' }
  const send = (query: Record<string, string>) =>
    api.upload<Summary>('POST', withQuery('/machines/bulk', query), `${csv}\n`, 'text/csv')
  const plan = await send({ dryRun: 'true', details: 'true' })
  if (form.get('step') !== 'apply' || plan.failed > 0) return page({ csv, plan })
  const { created, changed } = await send({ atomic: 'true' })
  return {
    redirect: '/machines',
    notice: `${count(created, 'machine')} created, ${count(changed, 'machine')} changed.`,
  }
}

function page({ csv, plan }: { csv?: string; plan?: Summary }): Page {
  const items = plan?.items ?? []
  return {
    view: 'machines/upload',
    title: 'Upload machines',
    status: plan !== undefined && plan.failed > 0 ? 422 : 200,
    data: {
      ...{ csv, plan },
      bad: items.filter(({ errors }) => errors !== undefined).slice(0, maxShown),
      good: items.filter(({ outcome }) => outcome !== undefined).slice(0, maxShown),
    },
    commands: [
      {
        title: 'Preview a file of any size: add --data-binary @machines.csv',
        method: 'POST',
        path: '/machines/bulk?dryRun=true&details=true',
        cli: 'machine import machines.csv --dry-run',
      },
    ],
  }
}
