import type { Entry } from './layouts.ts'

/** An ISO or archive, open for reading. Whoever opened it closes it. */
export type Iso = {
  /** Its regular files. */
  list: () => Promise<Entry[]>
  /** The bytes of one of the files that `list` named. @throws InputError when there is no such file, or it is damaged */
  read: (path: string) => AsyncIterable<Uint8Array>
  /** Ends what is still being read. */
  close: () => Promise<void>
}

/**
 * Opens an ISO (ISO 9660, Joliet, Rock Ridge, UDF), zip or tar of this machine.
 * @throws InputError when it is none, is damaged or is not to be trusted; ConfigError when the tool that reads it is not installed
 */
export async function openIso(path: string): Promise<Iso> {
  throw new Error(`cannot read ${path} yet`)
}
