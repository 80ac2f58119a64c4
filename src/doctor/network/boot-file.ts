// Judges the bytes of a boot program. Pure.
import { createHash } from 'node:crypto'
import type { FindingCode } from '../../model/findings/table.ts'
import type { FirmwareKind } from '../../model/firmware/kinds.ts'
import { nbpArchOf } from '../../model/firmware/nbp.ts'

/** A boot program of this Bootwright. */
export type OwnNbp = { name: string; sha256: string; sizeBytes: number }

/** The judgement of a file: what is wrong with it, or what it is. `own`: the unchanged program of this Bootwright. */
export type BootFileJudgement = { code?: FindingCode; seen: string; own?: OwnNbp }

/** Base memory has 640 kB, and a ROM of BIOS loads its program there (PXE 2.1, 3.2.2: PXE-E79). */
const maxBiosBytes = 600_000
const minBytes = 1024
/** More of a file is not read: a hostile server must not fill the memory. Boot programs have at most a few megabytes. */
export const maxBootFileBytes = 32 * 2 ** 20

/** Whether firmware of this kind can start the file, as far as its bytes tell. */
export function judgeBootFile(
  bytes: Buffer,
  name: string,
  kind: FirmwareKind,
  own: readonly OwnNbp[],
): BootFileJudgement {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  const size = `${bytes.length} bytes`
  const same = own.find((nbp) => nbp.sha256 === sha256)
  const named = own.find((nbp) => nbp.name === name.replace(/^.*\//, ''))
  const builtFor = nbpArchOf(bytes)
  if (bytes.subarray(0, 6).toString('latin1') === '#!ipxe')
    return { code: 'BW-DHCP-WRONG-ARCH', seen: `a script of iPXE with ${size}, which firmware cannot start` }
  if (/^\s*<(?:!doctype|html|\?xml)/i.test(bytes.toString('latin1', 0, 200)))
    return { code: 'BW-NBP-DAMAGED', seen: `a web page with ${size} instead of a program` }
  if (builtFor !== undefined && builtFor !== kind.runs)
    return { code: 'BW-DHCP-WRONG-ARCH', seen: `a program for UEFI on ${builtFor} (${size}), not for ${kind.words}` }
  if (kind.runs === 'bios') {
    if (bytes.length > maxBiosBytes)
      return { code: 'BW-DHCP-WRONG-ARCH', seen: `${size}, more than the base memory of a BIOS holds` }
  } else if (builtFor === undefined) {
    // The stub of DOS is the first part of every program for UEFI (PE/COFF).
    const isProgram = bytes.subarray(0, 2).toString('latin1') === 'MZ'
    return isProgram || bytes.length < minBytes
      ? { code: 'BW-NBP-DAMAGED', seen: `${size}, with an incomplete header of a program` }
      : { code: 'BW-DHCP-WRONG-ARCH', seen: `no program for UEFI (${size}, without a PE header)` }
  }
  if (same === undefined && named !== undefined)
    return {
      code: 'BW-NBP-DAMAGED',
      seen: `${size}; the program of that name in Bootwright has ${named.sizeBytes} bytes and another sha256`,
    }
  const missing = missingBytes(bytes)
  if (missing > 0)
    return { code: 'BW-NBP-DAMAGED', seen: `${size}; by its header ${missing} bytes are missing at the end` }
  if (bytes.length < minBytes) return { code: 'BW-NBP-DAMAGED', seen: `only ${size}` }
  return same === undefined
    ? { seen: `a program with ${size}` }
    : { seen: `${same.name} of Bootwright, ${size}, unchanged`, own: same }
}

/** The bytes that a PE file lacks by its section table (Microsoft PE format, "Section Table"); 0 for other files. */
export function missingBytes(bytes: Buffer): number {
  if (nbpArchOf(bytes) === undefined) return 0
  const header = bytes.readUInt32LE(0x3c)
  if (header + 24 > bytes.length) return header + 24 - bytes.length
  const sections = bytes.readUInt16LE(header + 6)
  const table = header + 24 + bytes.readUInt16LE(header + 20)
  let end = table + 40 * sections
  for (let at = table; at + 40 <= Math.min(bytes.length, table + 40 * sections); at += 40) {
    const sizeOfRawData = bytes.readUInt32LE(at + 16)
    if (sizeOfRawData > 0) end = Math.max(end, bytes.readUInt32LE(at + 20) + sizeOfRawData)
  }
  return Math.max(0, end - bytes.length)
}
