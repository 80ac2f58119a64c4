// Reads the message of a report from its query and its body. Called by reports.ts.
import { type BootContext, queryOf } from './request.ts'

/** Maximum length of a stored message, in characters. */
const maxMessageCharacters = 2000
/** Only the end of a longer body is read into memory: the end of a log contains the reason of a failure. */
const maxTailBytes = 65_536
/** Maximum number of bytes read from a body. */
const maxBodyBytes = 16 * 2 ** 20

/**
 * The message of a report, as a printable line. Its parts are `message=` of the query (form encoding: `+` is a space) and the
 * body: a form, JSON, or the end of a text such as a log. Undefined if both are empty.
 */
export async function readReportMessage(context: BootContext): Promise<string | undefined> {
  const message = valueIn(queryOf(context), 'message')
  const body = context.req.method === 'POST' ? await readBody(context) : undefined
  const parts = [cutEnd(visible(message ?? '')), body ?? ''].filter((part) => part !== '')
  return parts.length === 0 ? undefined : cutEnd(parts.join(': '))
}

async function readBody(context: BootContext): Promise<string> {
  const { bytes, whole, isForm } = await readTail(context.req.raw.body)
  const text = new TextDecoder().decode(bytes)
  if (!whole) return cutBeginning(visible(isForm ? (valueIn(`message=${text}`, 'message') ?? '') : text))
  const type = context.req.header('content-type')?.toLowerCase() ?? ''
  const field = type.startsWith('multipart/form-data')
    ? await multipartMessage(bytes, context.req.header('content-type') ?? '')
    : (jsonMessage(text) ?? valueIn(text.trim(), 'message'))
  return field === undefined ? cutBeginning(visible(text)) : cutEnd(visible(field))
}

/** The last bytes of a body. A report counts even if the upload of its log is interrupted. */
async function readTail(body: ReadableStream<Uint8Array> | null) {
  let tail = Buffer.alloc(0)
  let total = 0
  let isForm = false
  try {
    for await (const chunk of body ?? []) {
      total += chunk.length
      if (total === chunk.length) isForm = Buffer.from(chunk.subarray(0, 8)).toString('latin1') === 'message='
      tail = Buffer.concat([tail, chunk]).subarray(-maxTailBytes)
      if (total > maxBodyBytes) break
    }
  } catch {
    // The client disconnected or was too slow. The bytes received so far are the message.
  }
  return { bytes: tail, whole: total <= maxTailBytes, isForm }
}

/** The value of a name in a query or a form (URL Standard, 5.1). Invalid encodings stay unchanged. */
function valueIn(form: string, name: string): string | undefined {
  const start = `${name}=`
  const pair = form.split('&').find((text) => text.startsWith(start))
  if (pair === undefined) return undefined
  return pair
    .slice(start.length)
    .replaceAll('+', ' ')
    .replaceAll(/(%[0-9a-f]{2})+/gi, (encoded) => decoded(encoded))
}

function decoded(encoded: string): string {
  const bytes = Buffer.from(encoded.replaceAll('%', ''), 'hex')
  return new TextDecoder().decode(bytes)
}

/** `message` of a JSON object, else the step and its result as cloud-init, curtin and subiquity send them. */
function jsonMessage(text: string): string | undefined {
  const value = parseJson(text)
  if (value === null || typeof value !== 'object') return undefined
  const { message, event_type, name, description, result } = value as Record<string, unknown>
  if (message !== undefined) return typeof message === 'string' ? message : JSON.stringify(message)
  if (typeof name !== 'string') return undefined
  const ending = typeof result === 'string' && result !== 'SUCCESS' ? ` (${result})` : ''
  const step = [event_type, name].filter((text) => typeof text === 'string').join(' ')
  return typeof description === 'string' ? `${step}: ${description}${ending}` : `${step}${ending}`
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function multipartMessage(bytes: Buffer, type: string): Promise<string | undefined> {
  const form = await new Response(new Uint8Array(bytes), { headers: { 'content-type': type } })
    .formData()
    .catch(() => undefined)
  const values = [...(form?.entries() ?? [])]
  const value = (values.find(([name]) => name === 'message') ?? values[0])?.[1]
  return typeof value === 'string' || value === undefined ? value : value.text()
}

/** A line with escaped control and format characters, so that no terminal or screen interprets them. */
function visible(text: string): string {
  return text.trim().replaceAll(/\p{C}|\p{Zl}|\p{Zp}/gu, (character) => {
    if (character === '\n') return '\\n'
    if (character === '\t') return '\\t'
    return character === '\r' ? '\\r' : `\\u{${character.codePointAt(0)?.toString(16)}}`
  })
}

function cutEnd(text: string): string {
  const characters = [...text]
  return characters.length <= maxMessageCharacters ? text : `${characters.slice(0, maxMessageCharacters - 1).join('')}…`
}

function cutBeginning(text: string): string {
  const characters = [...text]
  return characters.length <= maxMessageCharacters ? text : `…${characters.slice(1 - maxMessageCharacters).join('')}`
}
