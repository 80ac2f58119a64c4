import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { messageOf } from '../errors.ts'

export type DownloadOptions = {
  /** Without a byte for this long the download is given up. */
  stallMs: number
  /** The operator gave the hash of the bytes, so it does not matter how they come. */
  hashKnown: boolean
  progress: (bytes: number, total: number | undefined) => void
}

const mostRedirects = 5

/**
 * Downloads an http or https URL to the end of an open file, hashing as it streams.
 * @throws Error that names the URL: an answer other than 200, a connection cut or stalled, too many redirects
 */
export async function download(
  url: URL,
  file: FileHandle,
  options: DownloadOptions,
): Promise<{ sizeBytes: number; sha256: string }> {
  const response = await follow(url, options)
  const length = response.headers['content-length']
  const total = length === undefined ? undefined : Number(length)
  const hash = createHash('sha256')
  let sizeBytes = 0
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      hash.update(chunk)
      await file.appendFile(chunk)
      sizeBytes += chunk.length
      options.progress(sizeBytes, total)
    }
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code === 'ECONNRESET' ? 'the connection was cut' : messageOf(error)
    throw new Error(`${shown(url)}: ${why} after ${sizeBytes}${total === undefined ? '' : ` of ${total}`} bytes`, {
      cause: error,
    })
  }
  return { sizeBytes, sha256: hash.digest('hex') }
}

async function follow(start: URL, options: DownloadOptions): Promise<IncomingMessage> {
  let url = start
  for (let redirects = 0; redirects <= mostRedirects; redirects++) {
    const response = await get(url, options.stallMs)
    const { statusCode = 0, statusMessage, headers } = response
    if (statusCode === 200) return response
    response.destroy()
    if (![301, 302, 303, 307, 308].includes(statusCode) || headers.location === undefined) {
      throw new Error(`${shown(url)} answered ${statusCode} ${statusMessage}`)
    }
    const next = URL.canParse(headers.location, url.href) ? new URL(headers.location, url) : undefined
    if (next === undefined || !/^https?:$/.test(next.protocol))
      throw new Error(`${shown(url)} redirects to something other than http or https`)
    if (url.protocol === 'https:' && next.protocol === 'http:' && !options.hashKnown) {
      throw new Error(`${shown(url)} redirects from https to http: add #sha256=… to the URL`)
    }
    url = next
  }
  throw new Error(`${shown(start)} redirects more than ${mostRedirects} times`)
}

// No Accept-Encoding, and Content-Encoding is not looked at: Apache labels a stored .gz with it, and it is the bytes as
// stored that are wanted.
function get(url: URL, stallMs: number): Promise<IncomingMessage> {
  const stalled = new Error(`no byte came for ${stallMs / 1000} s`)
  return new Promise((done, failed) => {
    const start = url.protocol === 'https:' ? httpsRequest : httpRequest
    const request = start(url, { agent: false, timeout: stallMs, headers: { 'user-agent': 'bootwright' } })
    let response: IncomingMessage | undefined
    request.on('timeout', () => (response ?? request).destroy(stalled))
    request.on('error', (error) =>
      failed(
        new Error(`${shown(url)}: ${messageOf(error) || (error as NodeJS.ErrnoException).code}`, { cause: error }),
      ),
    )
    request.on('response', (answer) => {
      response = answer
      done(answer)
    })
    request.end()
  })
}

// Names and passwords, and signatures in a query, are not for the screen.
function shown(url: URL): string {
  return `${url.origin}${url.pathname}`
}
