// The stored files of images: recorded, present, and of the recorded size.
import { listNamers } from '../../inventory/images/file-garbage.ts'
import { listFiles, type StoredFile } from '../../inventory/images/files.ts'
import { sizeFault } from '../../model/catalog.ts'
import { type Finding, fault, pass } from '../finding.ts'
import type { ServerContext } from './context.ts'

const maxFiles = 5000
const pageFiles = 500
const maxFindings = 20

export async function checkFiles({ db, findStoredSize }: ServerContext, signal: AbortSignal): Promise<Finding[]> {
  const findings: Finding[] = []
  let count = 0
  let unknown = 0
  for (let after: string | undefined; count < maxFiles && !signal.aborted; ) {
    const page = await listFiles(db, pageFiles, after)
    count += page.length
    for (const file of page) {
      const stored = await findStoredSize(file.sha256)
      if (stored === undefined) unknown += 1
      const finding = await judge(db, file, stored?.sizeBytes, stored !== undefined)
      if (finding !== undefined && findings.length < maxFindings) findings.push(finding)
    }
    after = page.at(-1)?.sha256
    if (page.length < pageFiles) break
  }
  const subject = { check: 'files of images', where: 'the store of files' }
  if (unknown > 0)
    findings.push(fault(subject, 'BW-CHECK', `the store did not answer for ${unknown} files`, { state: 'unknown' }))
  if (findings.length > 0) return findings
  return [
    pass(subject, `${count} files are there, with their recorded sizes. To verify their bytes: bootwright file verify`),
  ]
}

async function judge(
  db: ServerContext['db'],
  { sha256, name, sizeBytes, damage }: StoredFile,
  storedBytes: number | undefined,
  isAnswered: boolean,
): Promise<Finding | undefined> {
  const seen = damage ?? (isAnswered ? sizeFault(sizeBytes, storedBytes)?.damage : undefined)
  if (seen === undefined) return undefined
  const users = await listNamers(db, sha256)
  const subject = { check: 'files of images', where: `${name} (${users.join(', ') || 'no image'})` }
  const isMissing = isAnswered && storedBytes === undefined
  return fault(subject, isMissing ? 'BW-FILE-MISSING' : 'BW-FILE-DAMAGED', seen, {
    // A file that no image uses stops no machine.
    state: users.length > 0 ? 'error' : 'warning',
  })
}
