// Room on the disk of the data folder.
import { statfs } from 'node:fs/promises'
import { type Finding, fault, pass } from '../finding.ts'
import type { ServerContext } from './context.ts'

const warningBytes = 2 * 2 ** 30
const errorBytes = 256 * 2 ** 20

export async function checkDisk({ dataFolder }: ServerContext): Promise<Finding[]> {
  const { bavail, bsize } = await statfs(dataFolder)
  const freeBytes = bavail * bsize
  const subject = { check: 'disk', where: dataFolder }
  const seen = `${(freeBytes / 1e9).toFixed(1)} GB are free`
  if (freeBytes < errorBytes) return [fault(subject, 'BW-DISK-FULL', seen)]
  return [freeBytes < warningBytes ? fault(subject, 'BW-DISK-FULL', seen, { state: 'warning' }) : pass(subject, seen)]
}
