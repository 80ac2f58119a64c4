/** What is answered within so many milliseconds; undefined when it comes later. */
export async function inTime<T>(answer: Promise<T>, patienceMs: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, patienceMs, undefined)
  })
  return Promise.race([answer, late]).finally(() => clearTimeout(timer))
}
