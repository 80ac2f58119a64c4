// Keys, copying, confirmations, and the time zone of the reader. Every page works without this script, except for live updates.

/** @type {Record<string, string>} */
const places = { n: '/', m: '/machines', i: '/images', d: '/deployments', s: '/setup' }
let lastKey = ''

document.addEventListener('keydown', (event) => {
  const target = /** @type {HTMLElement} */ (event.target)
  const isTyping = target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName)
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return
  const before = lastKey
  lastKey = event.key
  if (event.key === '/') {
    event.preventDefault()
    const search = /** @type {HTMLElement | null} */ (document.querySelector('[data-key="/"]'))
    if (search === null) location.assign('/machines#search')
    else search.focus()
  } else if (event.key === '?') {
    const keys = /** @type {HTMLDialogElement | null} */ (document.getElementById('keys'))
    keys?.showModal()
  } else if (before === 'g' && places[event.key] !== undefined) location.assign(places[event.key] ?? '/')
})

document.addEventListener('click', async (event) => {
  const button = /** @type {HTMLElement} */ (event.target).closest('[data-copy]')
  const text = button?.getAttribute('data-copy')
  if (!button || text == null) return
  const before = button.textContent
  button.textContent = await copy(text)
  setTimeout(() => {
    button.textContent = before
  }, 1500)
})

/** @param {string} text */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text)
    return 'Copied'
  } catch {
    // Over plain HTTP from another computer, browsers have no clipboard for scripts.
    const area = document.createElement('textarea')
    area.value = text
    document.body.append(area)
    area.select()
    const copied = document.execCommand('copy')
    area.remove()
    return copied ? 'Copied' : 'Select and copy'
  }
}

document.addEventListener('submit', (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target)
  const submitter = /** @type {SubmitEvent} */ (event).submitter
  const question = submitter?.getAttribute('data-confirm') ?? form.getAttribute('data-confirm')
  if (question !== null && !confirm(question)) event.preventDefault()
})

// A checkbox that selects all rows of its table.
document.addEventListener('change', (event) => {
  const all = /** @type {HTMLInputElement} */ (event.target)
  if (!all.matches('[data-select-all]')) return
  const boxes = all.closest('table')?.querySelectorAll('tbody input[type=checkbox]') ?? []
  for (const box of boxes) /** @type {HTMLInputElement} */ (box).checked = all.checked
})

// Today begins at midnight of the reader. Offsets change with the season, so each page keeps the present one.
// biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API needs HTTPS, and this page also works over plain HTTP.
document.cookie = `bootwright-utc-offset=${-new Date().getTimezoneOffset()}; Path=/; SameSite=Lax; Max-Age=31536000`

// Maintenance windows are in a named time zone, and most people mean their own.
for (const field of document.querySelectorAll('[data-own-zone]')) {
  const input = /** @type {HTMLInputElement} */ (field)
  if (input.value === '') input.value = Intl.DateTimeFormat().resolvedOptions().timeZone
}

// Times are in UTC in the page, and in the time of the reader on hover.
document.addEventListener('mouseover', (event) => {
  const time = /** @type {HTMLElement} */ (event.target).closest('time[datetime]:not([title])')
  if (time) time.setAttribute('title', new Date(time.getAttribute('datetime') ?? '').toLocaleString())
})

if (location.hash === '#search') /** @type {HTMLElement | null} */ (document.querySelector('[data-key="/"]'))?.focus()
