// /answer-files: the answer files, their versions, and their deletion.
import type { AnswerFile, AnswerFileVersionList } from '../../../api/schemas/images/answer-file.ts'
import { deleteNamed } from '../../forms/named.ts'
import { pathOf, type RefusedError, withQuery } from '../../http/client.ts'
import { count } from '../../http/format.ts'
import { readNumber } from '../../http/lines.ts'
import type { Listed } from '../../http/listed.ts'
import type { Page, PageHandler, Visit } from '../../http/visit.ts'
import { findUses } from '../../machines/uses.ts'
import { requireAnswerFile } from './edit.ts'
import { lineDifferences } from './line-differences.ts'

export const list: PageHandler = async ({ api, query }) => {
  const path = withQuery('/answer-files', { limit: '100', after: query.get('after') })
  const { items, next } = await api.ask<Listed<AnswerFile>>('GET', path)
  const further = next && withQuery('/answer-files', { after: next })
  return {
    view: 'answer-files/list',
    title: 'Answer files',
    data: { files: items, next: further, isFirst: !query.has('after') },
    commands: [{ title: 'List answer files', path, cli: 'answer-file list' }],
  }
}

export const versions: PageHandler = async (visit) => {
  const { file, etag } = await requireAnswerFile(visit)
  const path = pathOf('answer-files', file.name, 'versions')
  const { items } = await visit.api.ask<AnswerFileVersionList>('GET', path)
  const chosen = items.find(({ version }) => String(version) === visit.query.get('version'))
  return {
    view: 'answer-files/versions',
    title: `Versions of answer file ${file.name}`,
    data: {
      ...{ file, etag, chosen, versions: items },
      differences: chosen && !chosen.current ? lineDifferences(chosen.documents, file.documents) : [],
    },
    commands: [
      { title: 'List the versions', path, cli: `answer-file versions ${file.name}` },
      {
        title: 'Make a version current',
        ...{ method: 'PATCH', path: pathOf('answer-files', file.name), body: { version: 1 } },
        cli: `answer-file use ${file.name} 1`,
      },
    ],
  }
}

export const useVersion: PageHandler = async ({ api, form, params }) => {
  const { name = '' } = params
  const version = readNumber(form, 'version') ?? 0
  const etag = form.get('etag')
  const condition = etag === undefined ? {} : { 'if-match': etag }
  await api.ask('PATCH', pathOf('answer-files', name), { version }, condition)
  return { redirect: pathOf('answer-files', name), notice: `Version ${version} of answer file ${name} is current.` }
}

export const deletePage: PageHandler = (visit) => showDeletion(visit)

export const remove: PageHandler = (visit) => deleteNamed(visit, 'answer-files', 'Answer file', showDeletion)

async function showDeletion(visit: Visit, refusal?: RefusedError): Promise<Page> {
  const { file, etag } = await requireAnswerFile(visit)
  const path = pathOf('answer-files', file.name)
  return {
    view: 'forms/delete',
    title: `Delete answer file ${file.name}`,
    data: {
      ...{ noun: 'answer file', name: file.name, back: path, etag, refusal },
      uses: await findUses(visit.api, path, file.name),
      effect: `This deletes the answer file with its ${count(file.version, 'version')}. It cannot be undone.`,
    },
    commands: [{ title: 'Delete the answer file', method: 'DELETE', path, cli: `answer-file delete ${file.name}` }],
  }
}
