// Sends a file to the server in parts. The server keeps the parts: a send resumes after a lost connection and a restart of the server.

import { formatBytes } from './upload-format.js'

const partBytes = 32 * 2 ** 20
/** Milliseconds without a sent byte after which a connection counts as lost. */
const stalledMs = 30_000
/** Milliseconds that the server may take to hash a file after its last byte. */
const finishMs = 1_800_000
const pausesMs = [1000, 2000, 4000, 8000, 15_000, 30_000]

/** @typedef {{ id: string, name: string, sizeBytes: number, receivedBytes: number, sha256?: string }} Upload */

/** The server refused a request, and repeating it does not help. */
class Refused extends Error {}
/** The person paused the upload. */
export class Paused extends Error {}

/**
 * What a send tells: its state, the sent bytes, and the upload on the server.
 * @typedef {{
 *   state: (state: 'uploading' | 'storing' | 'connection lost', message: string) => void,
 *   progress: (bytes: number) => void,
 *   upload: (upload: Upload) => void,
 * }} Watcher
 */

/** @type {(() => void) | undefined} ends the pause before the next try */
let endPause
addEventListener('online', tryNow)

/** Ends the pause before the next try, if there is one. */
export function tryNow() {
  endPause?.()
}

/**
 * Sends a file until the server has stored it.
 * @param {File} chosen
 * @param {AbortSignal} signal
 * @param {Watcher} watcher
 * @returns {Promise<string>} the hash
 */
export async function sendFile(chosen, signal, watcher) {
  /** @type {Upload | undefined} */
  let upload
  let lost = 0
  for (;;) {
    try {
      upload = await beginOrFind(chosen, signal, upload)
      watcher.upload(upload)
      const from = upload.receivedBytes
      watcher.state('uploading', from > 0 && lost === 0 ? `Resumed at ${formatBytes(from)}.` : '')
      while (upload.sha256 === undefined) {
        upload = await sendPart(upload, chosen, signal, watcher)
        lost = 0
      }
      return upload.sha256
    } catch (error) {
      if (signal.aborted) throw signal.reason
      if (error instanceof Refused) throw error
      await requireReadable(chosen)
      const pauseMs = pausesMs[Math.min(lost, pausesMs.length - 1)] ?? 30_000
      lost += 1
      watcher.state('connection lost', `Next try in ${Math.ceil(pauseMs / 1000)} s: ${messageOf(error)}.`)
      await pause(pauseMs, signal)
    }
  }
}

/**
 * The state of this upload on the server. The server finds an unfinished upload of the same file.
 * @param {File} chosen
 * @param {AbortSignal} signal
 * @param {Upload | undefined} upload
 * @returns {Promise<Upload>}
 */
async function beginOrFind(chosen, signal, upload) {
  const about = { name: chosen.name, sizeBytes: chosen.size, modifiedAt: new Date(chosen.lastModified).toISOString() }
  const known = upload && (await request(`/api/v1/uploads/${upload.id}`, { signal }, true))
  return known ?? request('/api/v1/uploads', { method: 'POST', body: JSON.stringify(about), signal })
}

/**
 * A file that was moved, deleted or changed after it was chosen fails like a lost connection.
 * @param {File} chosen
 */
async function requireReadable(chosen) {
  try {
    await chosen.slice(0, 1).arrayBuffer()
  } catch {
    throw new Refused('The browser can no longer read the file. Choose it again.')
  }
}

/**
 * @param {string} path
 * @param {RequestInit} init
 * @param {boolean} mayBeGone true: undefined for 404
 */
async function request(path, init, mayBeGone = false) {
  const response = await fetch(path, { ...init, headers: { 'content-type': 'application/json' } })
  if (response.status === 404 && mayBeGone) return undefined
  return readAnswer(response.status, await response.text())
}

/**
 * @param {number} status
 * @param {string} text
 * @param {number[]} [busy] further states that pass
 */
function readAnswer(status, text, busy = []) {
  if (status >= 200 && status < 300) return JSON.parse(text)
  if (status === 401) throw new Refused('You are signed out. Sign in again in another tab, then resume.')
  const { detail } = /^\s*\{/.test(text) ? JSON.parse(text) : { detail: `the server answered ${status}` }
  // 5xx: the server restarts, or a proxy does not reach it.
  const passes = [...busy, 408, 429, 500, 502, 503, 504].includes(status)
  throw passes ? new Error(detail) : new Refused(detail)
}

/**
 * Sends the next part. `fetch` has no progress of what it sends; XMLHttpRequest has.
 * @param {Upload} current
 * @param {File} chosen
 * @param {AbortSignal} signal
 * @param {Watcher} watcher
 * @returns {Promise<Upload>}
 */
function sendPart(current, chosen, signal, watcher) {
  const from = current.receivedBytes
  const end = Math.min(from + partBytes, chosen.size)
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest()
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer
    const watch = (/** @type {number} */ ms) => {
      clearTimeout(timer)
      timer = setTimeout(() => xhr.abort(), ms)
    }
    const abort = () => xhr.abort()
    const settle = (/** @type {() => void} */ then) => () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', abort)
      then()
    }
    const fail = () => reject(signal.aborted ? signal.reason : new Error('the server is unreachable'))
    xhr.upload.addEventListener('progress', ({ loaded }) => {
      watch(stalledMs)
      watcher.progress(Math.min(from + loaded, end))
    })
    xhr.upload.addEventListener('load', () => {
      watch(end === chosen.size ? finishMs : stalledMs)
      if (end === chosen.size) watcher.state('storing', 'The server verifies and stores the file.')
    })
    xhr.addEventListener(
      'load',
      settle(() => {
        try {
          // 409: another request has sent this part meanwhile.
          resolve(readAnswer(xhr.status, xhr.responseText, [409]))
        } catch (error) {
          reject(error)
        }
      }),
    )
    xhr.addEventListener('error', settle(fail))
    xhr.addEventListener('abort', settle(fail))
    signal.addEventListener('abort', abort)
    xhr.open('PUT', `/api/v1/uploads/${current.id}`)
    const range = from === end ? '*' : `${from}-${end - 1}`
    xhr.setRequestHeader('content-range', `bytes ${range}/${chosen.size}`)
    xhr.setRequestHeader('content-type', 'application/octet-stream')
    watch(stalledMs)
    xhr.send(chosen.slice(from, end))
  })
}

/**
 * @param {number} ms
 * @param {AbortSignal} signal
 */
function pause(ms, signal) {
  return /** @type {Promise<void>} */ (
    new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer)
        endPause = undefined
        resolve()
      }
      const timer = setTimeout(end, ms)
      endPause = end
      signal.addEventListener('abort', end, { once: true })
    })
  )
}

/** @param {unknown} error */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error)
}
