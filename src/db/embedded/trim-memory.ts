// Gives freed memory back to the system; thread.ts calls it.

import koffi from 'koffi'

/**
 * Gives the memory that the process has freed back to the system (malloc_trim(3) of glibc); undefined where it does not
 * exist. Creating a database and compiling WebAssembly free more than 100 MB in small pieces, which glibc would keep.
 */
export function loadTrimMemory(): (() => void) | undefined {
  try {
    const trim = koffi.load(null).func('int malloc_trim(size_t pad)')
    return () => {
      trim(0)
    }
  } catch {
    return undefined
  }
}
