import { fileURLToPath } from 'node:url'

/** The folder of the program, which holds `ipxe/`, `migrations/` and `recipes/`: the parent of `src/` and, compiled, of `dist/`. */
export const programDir = fileURLToPath(new URL('../..', import.meta.url))
