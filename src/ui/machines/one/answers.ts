// The answer file of a machine as its installer would get it, for people who may edit it.
import type { FilledAnswerFile } from '../../../api/schemas/boots/preview.ts'
import { pathOf, RefusedError } from '../../http/client.ts'
import type { Visit } from '../../http/visit.ts'

/** The rendered documents, or the problems that prevent them. Undefined if the person may not read them. */
export type Answers = { documents: FilledAnswerFile['items']; problems: string[] }

export async function findAnswers({ api, may }: Pick<Visit, 'api' | 'may'>, id: string): Promise<Answers | undefined> {
  if (!may('answer-files.edit')) return undefined
  try {
    const { items, refusal } = await api.ask<FilledAnswerFile>('GET', `${pathOf('machines', id)}/answers`)
    return { documents: items, problems: refusal === undefined ? [] : [refusal] }
  } catch (error) {
    if (!(error instanceof RefusedError) || error.status !== 422) throw error
    const problems = error.faults.map(({ field, value }) => `${field}: ${value}`)
    return { documents: [], problems: problems.length > 0 ? problems : [error.message] }
  }
}
