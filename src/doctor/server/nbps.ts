// The boot programs that the server holds: present, complete, and those that setup fetched.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findFirmwareKind, nbpFor } from '../../model/firmware/kinds.ts'
import { type Finding, fault, pass } from '../finding.ts'
import { missingBytes } from '../network/boot-file.ts'
import type { ServerContext } from './context.ts'

const check = 'boot programs'
/** Machines without a program for these are the usual ones. */
const usualCodes = [0, 7]

export async function checkNbps({ nbps, nbpFolder }: ServerContext): Promise<Finding[]> {
  const whole = { check, where: nbpFolder }
  if (nbps.size === 0) return [fault(whole, 'BW-NO-NBPS', 'the folder has no boot program')]
  const expected = await readVersions(nbpFolder)
  const damaged = [...nbps.values()].flatMap(({ name, bytes, sha256, builtFor }): Finding[] => {
    const subject = { check, where: join(nbpFolder, name) }
    const missing = missingBytes(Buffer.from(bytes))
    if (missing > 0)
      return [fault(subject, 'BW-NBP-DAMAGED', `${bytes.length} bytes; by its header ${missing} bytes are missing`)]
    if (/\.efi$/.test(name) && builtFor === undefined)
      return [fault(subject, 'BW-NBP-DAMAGED', `${bytes.length} bytes, without the header of a program for UEFI`)]
    const version = expected.get(name)
    if (version === undefined || version === sha256) return []
    return [
      fault(subject, 'BW-NBP-DAMAGED', `${bytes.length} bytes, not the file that setup fetched (VERSIONS.txt)`, {
        state: 'warning',
      }),
    ]
  })
  const lacking = usualCodes
    .filter((code) => nbpFor(code, nbps.values()) === undefined)
    .map((code) => findFirmwareKind(code)?.words)
  const findings = [
    ...damaged,
    ...(lacking.length > 0
      ? [fault(whole, 'BW-NO-NBPS', `no boot program for ${lacking.join(', ')}`, { state: 'warning' as const })]
      : []),
  ]
  return findings.length > 0 ? findings : [pass(whole, `${[...nbps.keys()].join(', ')}`)]
}

/** The list that setup writes: `sha256  name  source`. */
async function readVersions(folder: string): Promise<Map<string, string>> {
  const text = await readFile(join(folder, 'VERSIONS.txt'), 'utf8').catch(() => '')
  return new Map([...text.matchAll(/^([0-9a-f]{64}) {2}(\S+)/gm)].map(([, sha256 = '', name = '']) => [name, sha256]))
}
