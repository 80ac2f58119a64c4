/** The result of a promise, or undefined after a timeout in milliseconds. */
export async function inTime<T>(answer: Promise<T>, timeoutMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, undefined)
  })
  return Promise.race([answer, late]).finally(() => clearTimeout(timer))
}
