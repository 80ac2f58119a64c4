// Reads the links of Rock Ridge, which 7-Zip ignores.
import type { FileHandle } from 'node:fs/promises'

const sectorBytes = 2048
const firstDescriptor = 16
/** Bounds for hostile discs; a full DVD has 30,000 files and 5 MB of folders. */
const maxFolders = 50_000
const maxFolderBytes = 64 * 2 ** 20
const maxDepth = 64
const maxTarget = 1024

type Folder = { path: string; sector: number; sizeBytes: number; depth: number }

/**
 * The symbolic links of an ISO 9660 disc by their paths, from its Rock Ridge entries (IEEE P1282, 4.1.3 and 4.1.4; SUSP, IEEE
 * P1281). 7-Zip reads the Joliet names of a disc that has both, and those know no links. What cannot be read is left out.
 */
export async function rockRidgeLinks(disc: FileHandle): Promise<Map<string, string>> {
  const links = new Map<string, string>()
  const primary = await bytesAt(disc, firstDescriptor * sectorBytes, sectorBytes)
  if (primary.toString('latin1', 0, 6) !== '\x01CD001') return links
  // The directory record of the root is at byte 156 (ECMA-119, 8.4.18).
  const root = folderIn(primary.subarray(156, 190), '', 0)
  const seen = new Set<number>()
  const queue = [root]
  let budget = maxFolderBytes
  let skip: number | undefined
  for (let folder = queue.shift(); folder !== undefined; folder = queue.shift()) {
    budget -= folder.sizeBytes
    if (seen.has(folder.sector) || folder.depth > maxDepth || budget < 0 || seen.size > maxFolders) continue
    seen.add(folder.sector)
    const bytes = await bytesAt(disc, folder.sector * sectorBytes, folder.sizeBytes)
    for (const record of recordsIn(bytes)) {
      const systemUse = systemUseOf(record)
      // The first record of the root says how many bytes of each to skip (SUSP, 5.3: SP).
      if (skip === undefined) skip = systemUse.toString('latin1', 0, 2) === 'SP' ? (systemUse[6] ?? 0) : 0
      if (record[32] === 1 && (record[33] ?? 0) <= 1) continue
      const { name, target } = await namesIn(disc, systemUse.subarray(skip))
      if (name === undefined) continue
      const path = folder.path === '' ? name : `${folder.path}/${name}`
      if (target !== undefined) links.set(path, target)
      else if (((record[25] ?? 0) & 2) !== 0) queue.push(folderIn(record, path, folder.depth + 1))
    }
  }
  return links
}

function folderIn(record: Buffer, path: string, depth: number): Folder {
  return { path, depth, sector: record.readUInt32LE(2), sizeBytes: record.readUInt32LE(10) }
}

/** Directory records (ECMA-119, 9.1); none crosses the end of a sector. */
function* recordsIn(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at + 34 <= bytes.length; ) {
    const length = bytes[at] ?? 0
    if (length >= 34) yield bytes.subarray(at, at + length)
    at = length >= 34 ? at + length : (Math.floor(at / sectorBytes) + 1) * sectorBytes
  }
}

/** What follows the name, which is padded to an even length. */
function systemUseOf(record: Buffer): Buffer {
  const nameBytes = record[32] ?? 0
  return record.subarray(33 + nameBytes + (nameBytes % 2 === 0 ? 1 : 0))
}

/** The POSIX name and the target of a link, from the entries of one file. */
async function namesIn(disc: FileHandle, first: Buffer): Promise<{ name?: string; target?: string }> {
  const name: Buffer[] = []
  const components: Buffer[] = []
  let entries: Buffer | undefined = first
  for (let areas = 0; entries !== undefined && areas < 8; areas++) {
    let next: Buffer | undefined
    for (let at = 0; at + 4 <= entries.length; ) {
      const length: number = entries[at + 2] ?? 0
      if (length < 4) break
      const entry: Buffer = entries.subarray(at, at + length)
      const sign = entry.toString('latin1', 0, 2)
      if (sign === 'NM' && ((entry[4] ?? 0) & 6) === 0) name.push(entry.subarray(5))
      if (sign === 'SL') components.push(entry.subarray(5))
      if (sign === 'CE' && entry.length >= 28) next = await continued(disc, entry)
      at += length
    }
    entries = next
  }
  const target = targetIn(Buffer.concat(components))
  const path = Buffer.concat(name).toString()
  return { ...(path !== '' && { name: path }), ...(target !== '' && { target }) }
}

/** The continuation area of a file's entries (SUSP, 5.1: CE). */
async function continued(disc: FileHandle, entry: Buffer): Promise<Buffer> {
  const at = entry.readUInt32LE(4) * sectorBytes + entry.readUInt32LE(12)
  return bytesAt(disc, at, Math.min(entry.readUInt32LE(20), sectorBytes))
}

/** Component records: flags, length, text. Flag 1: the next record continues the component; 2: `.`; 4: `..`; 8: the root. */
function targetIn(components: Buffer): string {
  let target = ''
  let goesOn = true
  for (let at = 0; at + 2 <= components.length && target.length <= maxTarget; ) {
    const flags = components[at] ?? 0
    const length = components[at + 1] ?? 0
    const text = components.toString('utf8', at + 2, at + 2 + length)
    if (!goesOn && !target.endsWith('/')) target += '/'
    target += (flags & 8) !== 0 ? '/' : (flags & 4) !== 0 ? '..' : (flags & 2) !== 0 ? '.' : text
    goesOn = (flags & 1) !== 0
    at += 2 + length
  }
  return target
}

async function bytesAt(disc: FileHandle, at: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await disc.read(Buffer.alloc(length), 0, length, at)
  return buffer.subarray(0, bytesRead)
}
