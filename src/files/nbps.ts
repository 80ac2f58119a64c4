// The boot programs (NBPs) of a folder, in memory.
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** A network boot program, whole in memory: they are small, and every booting machine asks for one. */
export type Nbp = { name: string; bytes: Uint8Array; sha256: string }

/** The closed list of boot programs, by the name that firmware asks for. */
export type Nbps = ReadonlyMap<string, Nbp>

const endings = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}\.(kpxe|kkpxe|pxe|efi|lkrn|0)$/

/** Largest boot program that is loaded; the biggest iPXE of Debian is 1.1 MB. */
const maxBytes = 64 * 2 ** 20

/** Reads the boot programs of a folder: those of setup and of the operator. Empty if the folder does not exist. */
export async function loadNbps(folder: string): Promise<Nbps> {
  const names = await readdir(folder).catch(() => [])
  const nbps = new Map<string, Nbp>()
  for (const name of names.filter((one) => endings.test(one)).sort()) {
    const bytes = await readFile(join(folder, name))
    if (bytes.length > 0 && bytes.length <= maxBytes)
      nbps.set(name, { name, bytes, sha256: createHash('sha256').update(bytes).digest('hex') })
  }
  return nbps
}
