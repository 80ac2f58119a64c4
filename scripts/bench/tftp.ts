import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { cpuSeconds, median, type Peer, startBootwright, startDnsmasqTftp, startTftpdHpa } from './peers.ts'
import { benchTftpLoss } from './tftp-loss.ts'

const nbpDir = join(process.cwd(), 'ipxe/nbp')
const file = 'ipxe.efi'
const rounds = 5
const run = promisify(execFile)

type Server = { name: string; address: string; pid: number | undefined; stop: () => Promise<void> }
type Round = { seconds: number; cpuSecondsPerGb: number | undefined }

/**
 * Fetches `ipxe.efi` by TFTP with curl (blocks of 1468, window 1), from Bootwright, tftpd-hpa and dnsmasq in turns: one client,
 * and 50 at once. Then it fetches over a network that loses packets.
 */
export async function benchTftp(folder: string): Promise<void> {
  mkdirSync(folder, { recursive: true })
  const size = readFileSync(join(nbpDir, file)).length
  const servers = await startServers(folder)
  try {
    console.log(`\n${file} (${size} bytes) by TFTP with curl, median of ${rounds} rounds in turns`)
    await compare(servers, folder, size, { clients: 1, fetches: 20 })
    await compare(servers, folder, size, { clients: 50, fetches: 200 })
  } finally {
    for (const { stop } of servers) await stop()
  }
  await benchTftpLoss(folder)
}

async function startServers(folder: string): Promise<Server[]> {
  const env = { BOOTWRIGHT_TFTP_MAX_TRANSFERS_PER_ADDRESS: '200' }
  const ours = await startBootwright(folder, env)
  const hpa = await startTftpdHpa(nbpDir)
  const dnsmasq = await startDnsmasqTftp(nbpDir)
  const local = ({ port }: Pick<Peer, 'port'>) => `127.0.0.1:${port}`
  return [
    { ...ours, name: 'Bootwright', address: local({ port: ours.tftpPort }) },
    // Each of its transfers is a process of its own, and the system does not add up their processor time.
    { ...hpa, name: 'tftpd-hpa', address: local(hpa), pid: undefined },
    { ...dnsmasq, name: 'dnsmasq', address: `${dnsmasq.host}:${dnsmasq.port}` },
  ]
}

async function compare(servers: Server[], folder: string, size: number, load: { clients: number; fetches: number }) {
  const results = new Map<Server, Round[]>(servers.map((server) => [server, []]))
  for (let round = 0; round < rounds; round++)
    for (const server of servers) results.get(server)?.push(await fetchRound(server, folder, size, load))
  const secondsOf = (server: Server) => median(results.get(server)?.map(({ seconds }) => seconds) ?? [])
  const [ours] = servers
  const megabytes = (size * load.fetches) / 1e6
  console.log(
    `  ${load.clients === 1 ? 'one client' : `${load.clients} clients at once`}, ${load.fetches} fetches a round`,
  )
  for (const server of servers) {
    const seconds = secondsOf(server)
    const cpu = median(results.get(server)?.flatMap(({ cpuSecondsPerGb }) => cpuSecondsPerGb ?? []) ?? [])
    console.log(
      `    ${server.name.padEnd(10)}  ${(megabytes / seconds).toFixed(1).padStart(6)} MB/s` +
        (cpu === undefined ? '' : `, ${cpu.toFixed(1)} s of processor time per GB`) +
        (server === ours ? '' : `; Bootwright has ${(seconds / secondsOf(ours as Server)).toFixed(2)} of its speed`),
    )
  }
}

async function fetchRound(
  { address, pid }: Server,
  folder: string,
  size: number,
  { clients, fetches }: { clients: number; fetches: number },
): Promise<Round> {
  const into = join(folder, 'fetched')
  mkdirSync(into)
  const used = () => (pid === undefined ? 0 : cpuSeconds(pid))
  const [cpuBefore, started] = [used(), performance.now()]
  const curl = `curl -sf --max-time 30 --tftp-blksize 1468 -o ${into}/{} tftp://${address}/${file}`
  await run('sh', ['-c', `seq ${fetches} | xargs -P ${clients} -I{} ${curl}`])
  const seconds = (performance.now() - started) / 1000
  const cpu = used() - cpuBefore
  for (let fetch = 1; fetch <= fetches; fetch++)
    if (readFileSync(join(into, String(fetch))).length !== size) throw new Error(`${address} sent another size`)
  rmSync(into, { recursive: true })
  return { seconds, cpuSecondsPerGb: pid === undefined ? undefined : (cpu / (size * fetches)) * 1e9 }
}
