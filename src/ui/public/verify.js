// Verifies stored files with progress. Without this script the form waits for the end.

document.addEventListener('submit', async (event) => {
  const form = /** @type {HTMLFormElement} */ (event.target)
  if (!form.matches('[data-verify]')) return
  event.preventDefault()
  const button = form.querySelector('button')
  const status = /** @type {HTMLElement} */ (form.querySelector('[role=status]'))
  if (button) button.disabled = true
  try {
    await verify(form.dataset.verify ?? '', status)
  } catch (error) {
    status.textContent = `Interrupted: ${error instanceof Error ? error.message : error}. Try again.`
  }
  if (button) button.disabled = false
})

/**
 * @param {string} image the name of an image; empty for all stored files
 * @param {HTMLElement} status
 */
async function verify(image, status) {
  status.textContent = 'Verifying…'
  const response = await fetch('/api/v1/files/verify', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/x-ndjson' },
    body: JSON.stringify(image === '' ? {} : { images: [image] }),
  })
  if (!response.ok || response.body === null) throw new Error(`the server answered ${response.status}`)
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  let wrong = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) throw new Error('the connection was lost')
    text += value
    const lines = text.split('\n')
    text = lines.pop() ?? ''
    for (const line of lines.filter((each) => each !== '')) {
      const item = JSON.parse(line)
      if (item.kind === 'error') throw new Error(item.error)
      if (item.kind === 'progress')
        status.textContent = `${item.name}: ${Math.floor((100 * item.doneBytes) / Math.max(1, item.sizeBytes))} %`
      if (item.kind === 'failed' || (item.kind === 'checked' && item.damage !== null)) wrong += 1
      if (item.kind !== 'end') continue
      status.textContent = `${item.checked} files verified. ${wrong === 0 ? 'None is corrupted.' : `${wrong} wrong. Reload the page to see them.`}`
      return
    }
  }
}
