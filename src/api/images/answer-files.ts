// /answer-files: answer files for unattended installers, with their versions.
import { z } from '@hono/zod-openapi'
import { etagOf } from '../../inventory/common/precondition.ts'
import {
  changeAnswerFile,
  deleteAnswerFile,
  findAnswerFile,
  listAnswerFiles,
  listAnswerFileVersions,
  saveAnswerFile,
  useAnswerFileVersion,
} from '../../inventory/images/answer-files.ts'
import { findUses } from '../../inventory/machines/references.ts'
import { requireFound } from '../../lib/errors.ts'
import type { AnswerFile } from '../../model/answer-file.ts'
import { checkAnswers } from '../../render/answers.ts'
import { type Counted, counted, deletion } from '../changes/counted.ts'
import { endpoint } from '../http/endpoint.ts'
import { page } from '../http/page.ts'
import { listQuery } from '../schemas/common.ts'
import {
  answerFileList,
  answerFilePatch,
  answerFilePut,
  answerFileSaved,
  answerFileSchema,
  answerFileVersionList,
} from '../schemas/images/answer-file.ts'
import { thingName } from '../schemas/machines/assignment.ts'
import { changeQuery, deletedSchema } from '../schemas/machines/concerns.ts'
import { usesSchema } from '../schemas/machines/uses.ts'

const params = z.object({ name: thingName })

export const list = endpoint({
  operationId: 'listAnswerFiles',
  action: 'inventory.read',
  scope: 'any',
  summary: 'List answer files by name',
  query: listQuery(thingName),
  returns: answerFileList,
  statuses: { 200: 'One page' },
  answer: async ({ db }, { query }) => ({
    status: 200,
    body: await page(
      query.limit,
      (count) => listAnswerFiles(db, count, query.after),
      (file) => file.name,
    ),
  }),
})

export const get = endpoint({
  operationId: 'getAnswerFile',
  action: 'inventory.read',
  scope: 'any',
  summary: 'Get an answer file with its current version',
  params,
  returns: answerFileSchema,
  statuses: { 200: 'The answer file' },
  answer: async ({ db }, { params: { name } }) => {
    const file = await findAnswerFile(db, name)
    requireFound(file, `answer file ${name}`)
    return answerOf(file)
  },
})

export const put = endpoint({
  operationId: 'putAnswerFile',
  action: 'answer-files.edit',
  summary: 'Add an answer file, or a new version of an answer file',
  description:
    'The Liquid templates are checked: their syntax, and whether every name in them exists in a boot. If the documents differ from the current ones, they become a new version. Fields that the body leaves out are cleared.',
  params,
  query: changeQuery,
  body: answerFilePut,
  conditional: true,
  returns: answerFileSaved,
  statuses: { 200: 'The answer file as it is now', 201: 'Answer file added' },
  answer: async ({ db }, { params: { name }, query, body, precondition, by }) => {
    checkAnswers(body.documents)
    const content = { ...body, title: body.title ?? '' }
    const saved = await counted(db, query, (on) => saveAnswerFile(on, name, content, precondition, by))
    const { answerFile, created } = saved.result
    return answerOf(answerFile, created, saved.concerns)
  },
})

export const patch = endpoint({
  operationId: 'patchAnswerFile',
  action: 'answer-files.edit',
  summary: 'Change an answer file, or make another version of it current',
  description:
    'Fields that the body leaves out stay; documents are merged by name. If the documents then differ from the current ones, they become a new version.',
  params,
  query: changeQuery,
  body: answerFilePatch,
  conditional: true,
  returns: answerFileSaved,
  statuses: { 200: 'Answer file changed' },
  answer: async ({ db }, { params: { name }, query, body: { version, ...change }, precondition, by }) => {
    const changed = await counted(db, query, (on) =>
      version === undefined
        ? changeAnswerFile(on, name, change, checkAnswers, precondition, by)
        : useAnswerFileVersion(on, name, version, precondition, by),
    )
    return answerOf(changed.result, false, changed.concerns)
  },
})

export const versions = endpoint({
  operationId: 'listAnswerFileVersions',
  action: 'inventory.read',
  scope: 'any',
  summary: 'List the versions of an answer file, newest first',
  params,
  returns: answerFileVersionList,
  statuses: { 200: 'The versions' },
  answer: async ({ db }, { params: { name } }) => ({
    status: 200,
    body: { items: await listAnswerFileVersions(db, name) },
  }),
})

export const uses = endpoint({
  operationId: 'listAnswerFileUses',
  action: 'inventory.read',
  summary: 'List what names an answer file',
  params,
  returns: usesSchema,
  statuses: { 200: 'The uses' },
  answer: async ({ db }, { params: { name } }) => {
    requireFound(await findAnswerFile(db, name), `answer file ${name}`)
    return { status: 200, body: await findUses(db, 'answerFile', name) }
  },
})

export const remove = endpoint({
  operationId: 'deleteAnswerFile',
  action: 'answer-files.edit',
  summary: 'Delete an answer file that nothing refers to',
  params,
  query: changeQuery,
  conditional: true,
  returns: deletedSchema,
  statuses: { 200: 'With `count` or `dryRun`: the machines that it concerns', 204: 'Answer file deleted' },
  answer: async ({ db }, { params: { name }, query, precondition, by }) =>
    deletion(await counted(db, query, (on) => deleteAnswerFile(on, name, precondition, by))),
})

function answerOf(file: AnswerFile, created = false, concerns?: Counted) {
  const headers = { etag: etagOf(file), ...(created && { location: `/api/v1/answer-files/${file.name}` }) }
  const body = { ...file, ...(concerns && { concerns }) }
  return { status: created ? (201 as const) : (200 as const), body, headers }
}
