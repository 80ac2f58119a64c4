import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { edk2, fetchByTftp } from '../fakes/fake-tftp.ts'
import { median, startBootwright, startTftpdHpa } from './peers.ts'

const nbpDir = join(process.cwd(), 'ipxe/nbp')
const file = 'snponly.efi'
const rounds = 9
const lostPercent = 3
/** A transfer that takes longer counts as this long. */
const limitMs = 60_000

/**
 * Fetches over a network that loses packets, from Bootwright and tftpd-hpa, in a network namespace of its own. nftables drops
 * the packets there. Needs root.
 */
export async function benchTftpLoss(folder: string): Promise<void> {
  const child = spawn('unshare', ['-n', process.execPath, '--import', 'tsx', import.meta.filename, folder], {
    stdio: 'inherit',
  })
  const [code] = await once(child, 'exit')
  if (code !== 0)
    throw new Error(`the benchmark of lost packets ended with code ${code}: expected root, unshare and nft`)
}

/** What runs in the namespace. */
async function compareWithLoss(folder: string): Promise<void> {
  execFileSync('ip', ['link', 'set', 'lo', 'up'])
  // in.tftpd resolves its address only if the system has another one than loopback's.
  execFileSync('ip', ['address', 'add', '192.0.2.1/32', 'dev', 'lo'])
  const rule = `ip protocol udp numgen random mod 100 < ${lostPercent} drop`
  execFileSync('nft', ['-f', '-'], {
    input: `table ip loss {\n chain input {\n type filter hook input priority 0\n ${rule}\n }\n}\n`,
  })
  const data = join(folder, 'loss')
  mkdirSync(data)
  const size = readFileSync(join(nbpDir, file)).length
  const ours = await startBootwright(data, {})
  const hpa = await startTftpdHpa(nbpDir)
  try {
    const times = { ours: [] as number[], hpa: [] as number[] }
    for (let round = 0; round < rounds; round++) {
      times.ours.push(await timeFetch(ours.tftpPort, size))
      times.hpa.push(await timeFetch(hpa.port, size))
    }
    const [a, b] = [median(times.ours), median(times.hpa)]
    const figures = (values: number[], middle: number) =>
      `${(middle / 1000).toFixed(2)} s (${values.map((value) => (value / 1000).toFixed(1)).join(' ')})`
    console.log(
      `\n${file} (${size} bytes) by TFTP with ${lostPercent} % of the packets lost by nftables in each direction,\n` +
        `  a client that behaves as EDK2 and asks for window 4, median of ${rounds} rounds in turns`,
    )
    console.log(`    Bootwright  ${figures(times.ours, a)}`)
    console.log(`    tftpd-hpa   ${figures(times.hpa, b)}; it has no windows`)
    console.log(`    ratio       ${(a / b).toFixed(3)} of its time`)
  } finally {
    await Promise.all([ours.stop(), hpa.stop()])
  }
}

async function timeFetch(tftpPort: number, size: number): Promise<number> {
  const started = performance.now()
  const fetched = fetchByTftp({ ...edk2, probes: false }, '127.0.0.1', { host: '127.0.0.1', tftpPort }, file)
  const limit = new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), limitMs).unref())
  const result = await Promise.race([fetched.catch(() => undefined), limit])
  if (result === undefined) return limitMs
  if (result.bytes !== size) throw new Error('the file arrived with another size')
  return performance.now() - started
}

const [, program, folder] = process.argv
if (program === import.meta.filename && folder !== undefined) {
  await compareWithLoss(folder)
  process.exit()
}
