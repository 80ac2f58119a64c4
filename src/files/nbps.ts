// The network boot programs (NBPs) of a folder, loaded into memory.
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isNbpName, type NbpArch, nbpArchOf } from '../model/firmware/nbp.ts'

/** A network boot program. It is kept in memory, because it is small and every booting machine requests one. */
export type Nbp = { name: string; bytes: Uint8Array; sha256: string; builtFor?: NbpArch | undefined }

/** All boot programs by the name that firmware requests. No other file is served over TFTP. */
export type Nbps = ReadonlyMap<string, Nbp>

/** Maximum size of a boot program. The largest iPXE binary of Debian has 1.1 MB. */
const maxBytes = 64 * 2 ** 20

/** Reads the boot programs of a folder: those installed by setup, and those added by the operator. A missing folder has none. */
export async function loadNbps(folder: string): Promise<Nbps> {
  const names = await readdir(folder).catch(() => [])
  const nbps = new Map<string, Nbp>()
  for (const name of names.filter(isNbpName).sort()) {
    const bytes = await readFile(join(folder, name))
    if (bytes.length > 0 && bytes.length <= maxBytes)
      nbps.set(name, {
        ...{ name, bytes, builtFor: nbpArchOf(bytes) },
        sha256: createHash('sha256').update(bytes).digest('hex'),
      })
  }
  return nbps
}
