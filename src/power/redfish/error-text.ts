// The words of a BMC that refused a request.

const maxText = 300

/** The messages of an error answer (DSP0266, error responses), on one line. Empty if the answer has no message. */
export function errorText(body: Record<string, unknown>): string {
  const { error } = body as { error?: { message?: unknown; '@Message.ExtendedInfo'?: unknown } }
  const extended = error?.['@Message.ExtendedInfo'] ?? body['@Message.ExtendedInfo']
  const list = Array.isArray(extended) ? extended : [extended]
  const messages = list.map((each) => (each as { Message?: unknown } | undefined)?.Message)
  const texts = [...messages, messages.some(isText) ? undefined : error?.message].filter(isText)
  return texts
    .join(' ')
    .replaceAll(/[\p{C}\s]+/gu, ' ')
    .trim()
    .slice(0, maxText)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
