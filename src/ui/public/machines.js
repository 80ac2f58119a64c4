// The list of machines: short URLs, and labels to choose from. Their upload: the text of a file. All works without this script.

for (const form of document.querySelectorAll('form[data-no-empty]'))
  form.addEventListener('formdata', (event) => {
    const { formData } = /** @type {FormDataEvent} */ (event)
    for (const [name, value] of [...formData]) {
      if (value !== '') continue
      const filled = formData.getAll(name).filter((other) => other !== '')
      formData.delete(name)
      for (const other of filled) formData.append(name, other)
    }
  })

// The labels in use are counted over all machines, so they are read only when a person asks for them.
document.querySelector('[data-labels]')?.addEventListener(
  'focus',
  async () => {
    const response = await fetch('/api/v1/machines/labels')
    if (!response.ok) return
    /** @type {{ items: { key: string, values: { value: string }[] }[] }} */
    const { items } = await response.json()
    const options = items.flatMap(({ key, values }) => [key, ...values.map(({ value }) => `${key}=${value}`)])
    document.getElementById('labels')?.replaceChildren(...options.map((text) => new Option(text, text)))
  },
  { once: true },
)

// The text of a chosen file goes into the text field, which is what the form sends.
for (const chooser of document.querySelectorAll('input[type=file][data-into]'))
  chooser.addEventListener('change', async () => {
    const input = /** @type {HTMLInputElement} */ (chooser)
    const field = /** @type {HTMLTextAreaElement | null} */ (document.getElementById(input.dataset.into ?? ''))
    const text = await input.files?.[0]?.text()
    if (field !== null && text !== undefined) field.value = text
  })
