// The network boot programs (NBPs) of a folder, loaded into memory.
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ipxeVersionOf, isNbpName, type NbpArch, nbpArchOf } from '../model/firmware/nbp.ts'

/** A network boot program. It is kept in memory, because it is small and every booting machine requests one. */
export type Nbp = {
  name: string
  bytes: Uint8Array
  sha256: string
  builtFor?: NbpArch | undefined
  /** The version of iPXE: from the file, else from the list that setup writes. */
  version?: string | undefined
}

/** All boot programs by the name that firmware requests. No other file is served over TFTP. */
export type Nbps = ReadonlyMap<string, Nbp>

/** Maximum size of a boot program. The largest iPXE binary of Debian has 1.1 MB. */
const maxBytes = 64 * 2 ** 20

/** Reads the boot programs of a folder: those installed by setup, and those added by the operator. A missing folder has none. */
export async function loadNbps(folder: string): Promise<Nbps> {
  const names = await readdir(folder).catch(() => [])
  const nbps = new Map<string, Nbp>()
  const versions = await readVersions(folder)
  for (const name of names.filter(isNbpName).sort()) {
    const bytes = await readFile(join(folder, name))
    if (bytes.length === 0 || bytes.length > maxBytes) continue
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const version = ipxeVersionOf(bytes) ?? versions.get(sha256)
    nbps.set(name, { name, bytes, builtFor: nbpArchOf(bytes), sha256, version })
  }
  return nbps
}

/** The versions in the list that setup writes (`sha256  name  Debian ipxe VERSION`), by sha256. */
async function readVersions(folder: string): Promise<Map<string, string>> {
  const text = await readFile(join(folder, 'VERSIONS.txt'), 'utf8').catch(() => '')
  const lines = text.matchAll(/^([0-9a-f]{64}) {2}\S+ {2}.*?(\d+\.\d+\S*)$/gm)
  return new Map([...lines].map(([, sha256 = '', version = '']) => [sha256, version]))
}
