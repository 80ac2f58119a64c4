// The form that uploads a file and imports it. After a reload of the page, the same file is chosen again, and its upload resumes.

import { formatBytes, formatSeconds } from './upload-format.js'
import { messageOf, Paused, sendFile, tryNow } from './upload-send.js'

/** @typedef {import('./upload-send.js').Upload} Upload */
/** @typedef {import('./upload-send.js').Watcher} Watcher */

const form = /** @type {HTMLFormElement} */ (document.getElementById('upload'))
const input = /** @type {HTMLInputElement} */ (document.getElementById('upload-file'))
const bar = /** @type {HTMLProgressElement} */ (form.querySelector('progress'))
const panel = /** @type {HTMLElement} */ (form.querySelector('.progress'))
const plain = /** @type {HTMLElement} */ (document.getElementById('upload-plain'))
const zone = /** @type {HTMLElement} */ (form.querySelector('.drop'))

/** @type {File | undefined} */
let file
/** @type {Upload | undefined} */
let upload
/** @type {AbortController | undefined} */
let running
/** @type {[atMs: number, bytes: number][]} */
let samples = []
const speedWindowMs = 10_000

form.hidden = false
plain.hidden = true

input.addEventListener('change', () => choose(input.files?.[0]))
zone.addEventListener('dragover', (event) => {
  event.preventDefault()
  zone.classList.add('over')
})
zone.addEventListener('dragleave', () => zone.classList.remove('over'))
zone.addEventListener('drop', (event) => {
  event.preventDefault()
  zone.classList.remove('over')
  choose(event.dataTransfer?.files[0])
})
form.addEventListener('submit', (event) => {
  if (field('file').value !== '') return
  event.preventDefault()
  if (file !== undefined) run(file)
})
part('pause').addEventListener('click', () => running?.abort(new Paused('paused')))
part('resume').addEventListener('click', () => {
  if (running !== undefined) tryNow()
  else if (file !== undefined) run(file)
})
part('cancel').addEventListener('click', cancel)
// The browser keeps the value of a hidden field over a reload.
field('file').value = ''

/** @param {File | undefined} chosen */
function choose(chosen) {
  if (chosen === undefined || running !== undefined) return
  file = chosen
  upload = undefined
  restoreOptions(chosen)
  panel.hidden = false
  bar.value = 0
  part('name').textContent = chosen.name
  part('pace').textContent = formatBytes(chosen.size)
  show('chosen', '')
  part('start').removeAttribute('disabled')
}

/** @param {File} chosen */
async function run(chosen) {
  if (running !== undefined) return
  keepOptions(chosen)
  const stop = new AbortController()
  running = stop
  samples = []
  try {
    const done = await sendFile(chosen, stop.signal, watcherOf(chosen))
    show('stored', 'Starting the import.')
    part('pause').hidden = true
    field('file').value = done
    forgetOptions(chosen)
    form.requestSubmit()
  } catch (error) {
    if (error instanceof Paused) show('paused', 'The received part stays on the server.', ['resume', 'cancel'])
    else show('stopped', messageOf(error), ['resume', 'cancel'], true)
  }
  running = undefined
}

/**
 * @param {File} chosen
 * @returns {Watcher}
 */
function watcherOf(chosen) {
  return {
    state: (state, message) => {
      const buttons = { uploading: ['pause', 'cancel'], storing: [], 'connection lost': ['pause', 'resume'] }[state]
      show(state, message, buttons, state === 'connection lost')
    },
    progress: (bytes) => showProgress(bytes, chosen.size),
    upload: (found) => {
      upload = found
    },
  }
}

async function cancel() {
  if (!confirm('Cancel the upload? The received part is deleted.')) return
  running?.abort(new Paused('cancelled'))
  if (upload !== undefined) await fetch(`/api/v1/uploads/${upload.id}`, { method: 'DELETE' }).catch(() => {})
  location.reload()
}

/**
 * @param {number} bytes
 * @param {number} total
 */
function showProgress(bytes, total) {
  const now = performance.now()
  samples = [...samples.filter(([at]) => now - at < speedWindowMs), [now, bytes]]
  const [first] = samples
  const seconds = first === undefined ? 0 : (now - first[0]) / 1000
  const speed = first === undefined || seconds < 0.5 ? 0 : (bytes - first[1]) / seconds
  bar.max = total
  bar.value = bytes
  const pace = speed > 0 ? ` · ${formatBytes(speed)}/s · ${formatSeconds((total - bytes) / speed)} left` : ''
  part('pace').textContent =
    `${Math.floor((100 * bytes) / total)} % · ${formatBytes(bytes)} of ${formatBytes(total)}${pace}`
}

/**
 * @param {string} state
 * @param {string} message
 * @param {string[]} [buttons] the buttons on offer
 * @param {boolean} [isBad]
 */
function show(state, message, buttons = [], isBad = false) {
  const badge = part('state')
  badge.textContent = state
  badge.classList.toggle('bad', isBad)
  badge.classList.toggle('busy', !isBad)
  part('message').textContent = message
  for (const name of ['pause', 'resume', 'cancel']) part(name).hidden = !buttons.includes(name)
  part('resume').textContent = state === 'connection lost' ? 'Try now' : 'Resume'
  part('start').hidden = state !== 'chosen'
}

/** @param {string} name */
function part(name) {
  return /** @type {HTMLElement} */ (form.querySelector(`[data-part=${name}]`))
}

/** @param {string} name */
function field(name) {
  return /** @type {HTMLInputElement} */ (form.elements.namedItem(name))
}

// The name and title that were entered for a file, for when it is chosen again after a reload.
/** @param {File} chosen */
function keyOf({ name, size, lastModified }) {
  return `bootwright-upload ${name} ${size} ${lastModified}`
}

/** @param {File} chosen */
function keepOptions(chosen) {
  const entered = { image: field('image').value, title: field('title').value }
  localStorage.setItem(keyOf(chosen), JSON.stringify(entered))
}

/** @param {File} chosen */
function restoreOptions(chosen) {
  const entered = JSON.parse(localStorage.getItem(keyOf(chosen)) ?? '{}')
  for (const name of ['image', 'title']) field(name).value ||= entered[name] ?? ''
}

/** @param {File} chosen */
function forgetOptions(chosen) {
  localStorage.removeItem(keyOf(chosen))
}
