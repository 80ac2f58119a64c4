// /new/machine: enter a machine before it boots for the first time.
import type { Machine } from '../../../api/schemas/machines/machine.ts'
import type { RefusedError } from '../../http/client.ts'
import { readLines, readPairs } from '../../http/lines.ts'
import { type Page, type PageHandler, submit, type Visit } from '../../http/visit.ts'
import { namesOf } from '../names.ts'

const texts = ['hostname', 'uuid', 'serial', 'product', 'asset']

export const newMachine: PageHandler = (visit) => show(visit)

export const create: PageHandler = async (visit) => {
  const { api, form } = visit
  return submit(
    async () => {
      const { id } = await api.ask<Machine>('POST', '/machines', bodyOf(visit))
      return {
        redirect: `/machines/${id}`,
        notice: `Entered${form.get('hostname') ? ` as ${form.get('hostname')}` : ''}.`,
      }
    },
    (refusal) => show(visit, refusal),
  )
}

function bodyOf({ form }: Visit) {
  const [macs, labels, image] = [readLines(form, 'macs'), readPairs(form, 'labels'), form.get('image')]
  const given = texts.map((field) => [field, form.get(field)]).filter(([, value]) => value !== undefined)
  return {
    ...Object.fromEntries(given),
    ...(macs && { macs }),
    ...(Object.keys(labels).length > 0 && { labels }),
    ...(image !== undefined && { assignment: { image } }),
  }
}

async function show({ api, form }: Visit, refusal?: RefusedError): Promise<Page> {
  const body = { macs: ['52:54:00:12:34:56'], hostname: 'web1', labels: { rack: 'b4' } }
  return {
    view: 'machines/new',
    title: 'Enter a machine',
    data: { refusal, fields: form.values, images: await namesOf(api, '/images') },
    commands: [
      {
        ...{ title: 'Enter a machine', method: 'POST', path: '/machines', body },
        cli: 'machine set 52:54:00:12:34:56 --hostname web1 --label rack=b4',
      },
    ],
  }
}
