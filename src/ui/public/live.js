// The state of a live part, in words: live, reconnecting, paused, or not live since a time. Counts times on while nothing changes.

const badge = /** @type {HTMLElement} */ (document.getElementById('live'))
const part = /** @type {HTMLElement} */ (document.getElementById(badge.dataset.for ?? ''))
const words = /** @type {HTMLElement} */ (badge.querySelector('.words'))

/** A server says something at least every 15 s. */
const silentMs = 40_000
const againMs = 10_000
const keepMs = 30 * 60_000

/** When the server last said something. */
let heardAt = Date.now()
const end = document.getElementById('session-end')
/** How far the clock of the server is ahead of this one. */
let aheadMs = aheadOf()
/** @type {{ reader?: { cancel: () => void } | null } | undefined} */
let connection
const build = buildOf()

/** @param {'live' | 'reconnecting' | 'paused'} state @param {string} text */
function show(state, text) {
  if (badge.dataset.state !== state) badge.dataset.state = state
  if (words.textContent !== text) words.textContent = text
}

function showLive() {
  heardAt = Date.now()
  show('live', 'live')
}

function showLost() {
  if (document.hidden) return show('paused', 'paused in the background')
  const time = new Date(heardAt).toLocaleTimeString()
  show('reconnecting', `not live since ${time}: the server does not answer, reconnecting`)
}

function again() {
  setTimeout(() => part.dispatchEvent(new Event('live:again')), againMs)
}

part.addEventListener('htmx:sse:after:connection', (event) => {
  connection = /** @type {CustomEvent} */ (event).detail.connection
  showLive()
})
part.addEventListener('htmx:sse:after:message', () => {
  const now = buildOf()
  // A new version of the server has other styles and scripts.
  if (build !== now) return location.reload()
  aheadMs = aheadOf()
  showLive()
})
part.addEventListener('tick', showLive)
part.addEventListener('htmx:sse:before:connection', (event) => {
  if (/** @type {CustomEvent} */ (event).detail.connection.attempt > 0) showLost()
})
part.addEventListener('htmx:sse:error', (event) => {
  // The session ended. The page leads to the sign-in.
  if (/** @type {CustomEvent} */ (event).detail.status === 401) return location.reload()
  showLost()
})
part.addEventListener('htmx:sse:close', () => {
  showLost()
  again()
})
// The first connection failed.
for (const name of ['htmx:error', 'htmx:response:error'])
  part.addEventListener(name, () => {
    if (connection !== undefined) return
    showLost()
    again()
  })
document.addEventListener('visibilitychange', () => {
  if (document.hidden) show('paused', 'paused in the background')
  else showLost()
})

// The connection may have begun before this script ran.
const begun = Reflect.get(part, '_htmx')?.sse
if (begun !== undefined) {
  connection = begun
  showLive()
}

// An unused session ends, and a screen on a wall sends no other request.
if (part.id === 'wall') setInterval(() => fetch('/api/v1/me').catch(() => {}), keepMs)

setInterval(() => {
  const now = Date.now() + aheadMs
  for (const time of part.querySelectorAll('time[data-since]')) {
    const text = duration(now - Date.parse(/** @type {HTMLElement} */ (time).dataset.since ?? ''))
    if (time.textContent !== text) time.textContent = text
  }
  if (end !== null) showEnd(end, Date.parse(end.dataset.endsAt ?? '') - now)
  // A cable that was pulled out ends no connection.
  if (document.hidden || Date.now() - heardAt <= silentMs || badge.dataset.state === 'reconnecting') return
  showLost()
  if (connection === undefined) again()
  else connection.reader?.cancel()
}, 1000)

/** Warns before the session of a screen on a wall ends. @param {HTMLElement} line @param {number} leftMs */
function showEnd(line, leftMs) {
  line.hidden = leftMs > Number(line.dataset.warnMs)
  const text = duration(leftMs)
  const left = line.querySelector('strong')
  if (left !== null && left.textContent !== text) left.textContent = text
}

function aheadOf() {
  const moment = /** @type {HTMLElement | null} */ (part.querySelector('[data-served-at]'))
  return Date.parse(moment?.dataset.servedAt ?? '') - Date.now() || 0
}

function buildOf() {
  return /** @type {HTMLElement | null} */ (part.querySelector('[data-build]'))?.dataset.build
}

/** As the server writes it (src/ui/http/format.ts). @param {number} ms */
function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} days`
}
