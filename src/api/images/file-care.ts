import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { type ClearOptions, clearFiles, deleteFile } from '../../files/clear.ts'
import { type VerifyLine, verifyFiles } from '../../files/verify.ts'
import { filesOfImages, requireFiles } from '../../inventory/images/file-checks.ts'
import { messageOf } from '../../lib/errors.ts'
import { type AdminDeps, endpoint } from '../http/endpoint.ts'
import { asksForSummary, linesResponse, ndjson, serverFailed, summarize, summaryOf } from '../http/json-lines.ts'
import { allowSilence } from '../http/streams.ts'
import { fileName, imageName, sha256 } from '../schemas/common.ts'

/** Hashing everything that is stored may take long, and a summary comes at its end. */
const silenceMs = 24 * 3_600_000

const about = { sha256, name: fileName, sizeBytes: z.int() }
const count = z.int()
const verifyEnd = { kind: z.literal('end'), checked: count, damaged: count, failed: count, bytes: count }
const clearEnd = { kind: z.literal('end'), dryRun: z.boolean(), files: count, bytes: count, damaged: count }
const brokenOff = z.object({ kind: z.literal('error'), error: z.string() })

const verifyLine = z
  .discriminatedUnion('kind', [
    z.object({ kind: z.literal('progress'), ...about, doneBytes: count }),
    z.object({ kind: z.literal('checked'), ...about, damage: z.string().nullable() }),
    z
      .object({ kind: z.literal('failed'), ...about, message: z.string() })
      .openapi({ description: 'It could not be found out.' }),
    z.object(verifyEnd),
    brokenOff,
  ])
  .openapi('VerifyLine', { description: 'One line; the last one is of the kind `end`, or `error` when it broke off.' })

export const verify = endpoint({
  operationId: 'verifyFiles',
  summary: 'Hash the bytes of stored files again',
  description:
    'One file after the other, no faster than 100 MB/s. The answer is one document, whose items are the files that are damaged or could not be checked. With `Accept: application/x-ndjson` it is told in JSON lines as it goes; a file that takes long tells its progress every second. It ends when nobody reads the answer. What is found is recorded: scripts that would name a damaged file are refused, one that is good again is served.',
  body: z
    .strictObject({
      files: z.array(sha256).min(1).max(10_000).optional(),
      images: z
        .array(imageName)
        .min(1)
        .max(1000)
        .optional()
        .openapi({ description: 'The files that any version of these images names.' }),
    })
    .openapi('FilesVerify', { description: 'Without either: every stored file.' }),
  bodyOptional: true,
  returns: verifyLine,
  returnsTypes: [ndjson],
  returnsSummary: summaryOf(verifyEnd, verifyLine).openapi('FilesVerified'),
  statuses: { 200: 'How it goes' },
  answer: async (deps, { body: { files, images } }, context) => {
    const { db, checks } = deps
    const wanted = [
      ...(files === undefined ? [] : await requireFiles(db, files)),
      ...(images === undefined ? [] : await filesOfImages(db, images)),
    ]
    const all = files === undefined && images === undefined
    const once = [...new Map(wanted.map((file) => [file.sha256, file])).values()]
    const left = new AbortController()
    const lines = verifyFiles(deps, checks, all ? undefined : once, left.signal)
    const onEnd = () => left.abort(new Error('nobody waits for it any more'))
    const matters = (line: VerifyLine) => line.kind === 'failed' || (line.kind === 'checked' && line.damage !== null)
    return answerLines(context, deps, lines, matters, onEnd)
  },
})

const clearLine = z
  .discriminatedUnion('kind', [
    z
      .object({ kind: z.literal('unnamed'), ...about, removed: z.boolean() })
      .openapi({ description: 'Nothing names it.' }),
    z
      .object({ kind: z.literal('unrecorded'), sha256, sizeBytes: count, removed: z.boolean() })
      .openapi({ description: 'Bytes that nobody recorded.' }),
    z
      .object({ kind: z.literal('damaged'), ...about, damage: z.string() })
      .openapi({ description: 'Its bytes are gone, or of another size. It stays.' }),
    z.object(clearEnd),
    brokenOff,
  ])
  .openapi('ClearLine', { description: 'One line; the last one is of the kind `end`, or `error` when it broke off.' })

export const clear = endpoint({
  operationId: 'clearFiles',
  summary: 'Clear away files that nothing names',
  description:
    'Files that no version of an image names, no open boot and no import, and bytes that nobody recorded; the items of the answer, or its JSON lines with `Accept: application/x-ndjson`. What was uploaded, or found to be stored already, within `olderThanHours` stays: what will name it may not be saved yet. Machines that are loading one read on to its end.',
  body: z
    .strictObject({
      dryRun: z.boolean().default(true).openapi({ description: 'Only tell; nothing is removed or recorded.' }),
      olderThanHours: z.int().min(0).max(87_600).default(24),
    })
    .openapi('FilesClear'),
  bodyOptional: true,
  returns: clearLine,
  returnsTypes: [ndjson],
  returnsSummary: summaryOf(clearEnd, clearLine).openapi('FilesCleared'),
  statuses: { 200: 'What was found, and removed' },
  answer: async (deps, { body, by }, context) =>
    answerLines(context, deps, clearFiles(deps, body as ClearOptions, by), () => true),
})

export const remove = endpoint({
  operationId: 'deleteFile',
  summary: 'Delete a file that nothing names',
  params: z.object({ sha256 }),
  statuses: { 204: 'It is gone' },
  answer: async (deps, { params, by }) => {
    await deleteFile(deps, params.sha256, by)
    return { status: 204 }
  },
})

/** JSON lines as they come, the last of which says what broke them off: the status is sent already. Or one document. */
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
