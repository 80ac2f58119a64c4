// /files/verify, /files/gc and DELETE /files: verify stored files, and delete unused files.
import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { type ClearOptions, clearFiles, deleteFile } from '../../files/clear.ts'
import { type VerifyLine, verifyFiles } from '../../files/verify.ts'
import { filesOfImages, requireFiles } from '../../inventory/images/file-checks.ts'
import { messageOf } from '../../lib/errors.ts'
import { type AdminDeps, endpoint } from '../http/endpoint.ts'
import { asksForSummary, linesResponse, ndjson, serverFailed, summarize, summaryOf } from '../http/json-lines.ts'
import { allowSilence } from '../http/streams.ts'
import { sha256 } from '../schemas/common.ts'
import { clearEnd, clearLine, filesClear, filesVerify, verifyEnd, verifyLine } from '../schemas/images/file.ts'

/** Hashing all stored files may take hours, and a summary is sent only at the end. */
const silenceMs = 24 * 3_600_000

export const verify = endpoint({
  operationId: 'verifyFiles',
  action: 'images.edit',
  summary: 'Verify stored files',
  description:
    'Hashes one file after the other, at most at 100 MB/s. The answer is one document, whose items are the files that are damaged or could not be verified. With `Accept: application/x-ndjson` it is a stream of JSON lines; a large file reports its progress every second. The work stops if the client disconnects. The results are recorded: a damaged file is no longer served, and a repaired file is served again.',
  body: filesVerify,
  bodyOptional: true,
  returns: verifyLine,
  returnsTypes: [ndjson],
  returnsSummary: summaryOf(verifyEnd, verifyLine).openapi('FilesVerified'),
  statuses: { 200: 'The progress and the results' },
  answer: async (deps, { body: { files, images } }, context) => {
    const { db, checks } = deps
    const named = [
      ...(files === undefined ? [] : await requireFiles(db, files)),
      ...(images === undefined ? [] : await filesOfImages(db, images)),
    ]
    const all = files === undefined && images === undefined
    const once = [...new Map(named.map((file) => [file.sha256, file])).values()]
    const left = new AbortController()
    const lines = verifyFiles(deps, checks, all ? undefined : once, left.signal)
    const onEnd = () => left.abort(new Error('the client disconnected'))
    const matters = (line: VerifyLine) => line.kind === 'failed' || (line.kind === 'checked' && line.damage !== null)
    return answerLines(context, deps, lines, matters, onEnd)
  },
})

export const clear = endpoint({
  operationId: 'clearFiles',
  action: 'files.delete',
  summary: 'Delete files that nothing refers to',
  description:
    'Deletes files that no image version, open boot or import refers to, and bytes without a record. The answer lists them as its items, or as JSON lines with `Accept: application/x-ndjson`. Files that were uploaded or reused within the last `olderThanHours` stay: their image may not be saved yet. Downloads in progress continue.',
  body: filesClear,
  bodyOptional: true,
  returns: clearLine,
  returnsTypes: [ndjson],
  returnsSummary: summaryOf(clearEnd, clearLine).openapi('FilesCleared'),
  statuses: { 200: 'The files that were found and deleted' },
  answer: async (deps, { body, by }, context) =>
    answerLines(context, deps, clearFiles(deps, body as ClearOptions, by), () => true),
})

export const remove = endpoint({
  operationId: 'deleteFile',
  action: 'files.delete',
  summary: 'Delete a file that nothing refers to',
  params: z.object({ sha256 }),
  statuses: { 204: 'File deleted' },
  answer: async (deps, { params, by }) => {
    await deleteFile(deps, params.sha256, by)
    return { status: 204 }
  },
})

/** Answers with JSON lines or with one document. If the lines fail, the last line has the error: the status is already sent. */
async function answerLines<Line extends object>(
  context: Context,
  { log }: Pick<AdminDeps, 'log'>,
  lines: AsyncGenerator<Line>,
  matters: (line: Line) => boolean,
  onEnd?: () => void,
): Promise<Response> {
  if (asksForSummary(context)) {
    allowSilence(context, silenceMs)
    return context.json(await summarize(lines, matters))
  }
  const texts = async function* () {
    try {
      for await (const line of lines) yield `${JSON.stringify(line)}\n`
    } catch (error) {
      log.error({ error: messageOf(error) }, 'file maintenance was interrupted')
      yield `${JSON.stringify({ kind: 'error', error: serverFailed })}\n`
    }
  }
  return linesResponse(texts(), onEnd)
}
