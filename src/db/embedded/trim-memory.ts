// Gives freed memory back to the system; open-embedded.ts calls it.

import koffi from 'koffi'

const trimEveryMs = 10_000

/**
 * From now on gives the memory that the process has freed back to the system (malloc_trim(3) of glibc), in a thread of libuv's
 * pool. Creating a database and compiling WebAssembly free more than 100 MB in small pieces, which glibc would keep. Returns a
 * function that ends it. The thread of the database must not call koffi: Node ends the process if such a call fails in a thread
 * that is ending.
 */
export function startTrimming(): () => void {
  const trim = loadTrim()
  if (trim === undefined) return () => {}
  trim()
  const timer = setInterval(trim, trimEveryMs).unref()
  return () => clearInterval(timer)
}

/** Undefined where the C library has no such function. */
function loadTrim(): (() => void) | undefined {
  try {
    const trim = koffi.load(null).func('int malloc_trim(size_t pad)')
    return () => trim.async(0, () => {})
  } catch {
    return undefined
  }
}
