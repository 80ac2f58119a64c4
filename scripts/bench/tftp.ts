import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { median, type Peer, startBootwright, startTftpdHpa } from './peers.ts'

const nbpDir = 'ipxe/nbp'
const fetches = 20
const rounds = 5

/** Fetches `ipxe.efi` by TFTP, one transfer at a time, with curl (blocks of 1468, window 1), and compares with tftpd-hpa. */
export async function benchTftp(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const size = readFileSync(join(nbpDir, 'ipxe.efi')).length
  const ours = await startBootwright(folder, {})
  const theirs = await startTftpdHpa(join(process.cwd(), nbpDir))
  try {
    const seconds = { ours: [] as number[], theirs: [] as number[] }
    for (let round = 0; round < rounds; round++) {
      seconds.ours.push(await fetchMany({ ...ours, port: ours.tftpPort }, folder, size))
      seconds.theirs.push(await fetchMany(theirs, folder, size))
    }
    const [a, b] = [median(seconds.ours), median(seconds.theirs)]
    const rate = (each: number) => `${(each * 1000).toFixed(1)} ms each, ${(size / each / 1e6).toFixed(1)} MB/s`
    console.log(`\nipxe.efi (${size} bytes) by TFTP, ${fetches} fetches a round, median of ${rounds} rounds in turns`)
    console.log(`  Bootwright  ${rate(a)}`)
    console.log(`  tftpd-hpa   ${rate(b)}`)
    console.log(`  ratio       ${(b / a).toFixed(2)} of its speed`)
  } finally {
    await Promise.all([ours.stop(), theirs.stop()])
  }
}

async function fetchMany(peer: Pick<Peer, 'port'>, folder: string, size: number): Promise<number> {
  const into = join(folder, 'fetched')
  const started = performance.now()
  for (let count = 0; count < fetches; count++) {
    await promisify(execFile)('curl', [
      '-sf',
      '--max-time',
      '20',
      '--tftp-blksize',
      '1468',
      '-o',
      into,
      `tftp://127.0.0.1:${peer.port}/ipxe.efi`,
    ])
  }
  const each = (performance.now() - started) / 1000 / fetches
  if (readFileSync(into).length !== size) throw new Error('the file arrived with another size')
  rmSync(into)
  return each
}
