import { spawn, spawnSync } from 'node:child_process'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe } from 'vitest'
import { type Net, openNet, serverAddress } from '../../scripts/lab/net.ts'
import { type Running, startIn } from '../../scripts/lab/process.ts'
import { type LabServer, startServer } from '../../scripts/lab/server.ts'
import type { DoctorReport } from '../../src/api/schemas/system/doctor.ts'
import type { Finding } from '../../src/doctor/finding.ts'
import { programDir } from '../../src/lib/program-dir.ts'
import { hasTool } from '../helpers/needs.ts'

const isReady =
  process.getuid?.() === 0 &&
  [
    ['ip', 'iproute2'],
    ['nft', 'nftables'],
    ['dnsmasq', 'dnsmasq-base'],
  ].every(([name = '', debianPackage = '']) => hasTool(name, debianPackage))

/** Networks of namespaces need root and Debian's programs; in CI they must be there. */
export const describeSite = describe.skipIf(!isReady && !process.env.CI && !process.env.REQUIRE_ALL_TESTS)

/** A site with a running Bootwright, and a computer on which the doctor runs. */
export type Site = {
  net: Net
  /** The network namespace of the doctor's computer. */
  client: string
  server: LabServer
  workDir: string
  nbpDir: string
  /** Starts dnsmasq as a DHCP server in a namespace, with these lines. It runs until `quiet`. */
  dhcp(lines: string[], options?: { namespace?: string; device?: string; range?: string | undefined }): Promise<Running>
  /** Starts another program in a namespace, which runs until `quiet`. */
  run(namespace: string, program: string, args: string[]): Running
  /** Adds a rule of nft(8) to a chain of a namespace, until `quiet`. */
  filter(namespace: string, hook: 'input' | 'output', rule: string): void
  /** Runs the doctor on the client's interface. */
  doctor(...args: string[]): Promise<{ code: number | null; report: DoctorReport; errors: string }>
  /** Ends the programs and rules of a test. */
  quiet(): Promise<void>
  close(): Promise<void>
}

const dnsmasqBase = ['port=0', 'user=root', 'no-ping', 'dhcp-authoritative', 'log-dhcp', 'bind-dynamic']

export async function openSite(env: Record<string, string> = {}): Promise<Site> {
  const workDir = await mkdtemp(join(tmpdir(), 'bwlab-doctor-'))
  const net = openNet()
  const client = net.addHost('client', '10.99.0.50')
  const nbpDir = join(workDir, 'nbp')
  await cp(join(programDir, 'ipxe/nbp'), nbpDir, { recursive: true })
  const dataDir = join(workDir, 'data')
  const server = await startServer(net, dataDir, { BOOTWRIGHT_NBP_DIR: nbpDir, ...env })
  let running: Running[] = []
  const filtered = new Set<string>()
  let configs = 0

  const quiet = async () => {
    await Promise.all(running.map((program) => program.stop()))
    running = []
    for (const namespace of filtered) nft(namespace, 'flush ruleset')
    filtered.clear()
  }
  const run: Site['run'] = (namespace, program, args) => {
    const started = startIn(namespace, program, args)
    running.push(started)
    return started
  }
  return {
    ...{ net, client, server, workDir, nbpDir, quiet, run },
    dhcp: async (lines, { namespace = net.lan, device = 'br0', range = '10.99.0.100,10.99.0.200,10m' } = {}) => {
      const name = join(workDir, `dnsmasq-${configs++}`)
      const config = [
        ...dnsmasqBase,
        `interface=${device}`,
        `dhcp-leasefile=${name}.leases`,
        `dhcp-range=${range}`,
        ...lines,
      ]
      await writeFile(`${name}.conf`, `${config.join('\n')}\n`)
      const args = ['--keep-in-foreground', '--log-facility=-', '--pid-file', `--conf-file=${name}.conf`]
      const started = run(namespace, 'dnsmasq', args)
      await started.waitFor(/DHCP, (?:IP range|proxy|static)/, 5000)
      return started
    },
    filter: (namespace, hook, rule) => {
      if (!filtered.has(namespace)) {
        filtered.add(namespace)
        nft(namespace, 'add table inet site')
        for (const name of ['input', 'output'])
          nft(namespace, `add chain inet site ${name} { type filter hook ${name} priority 0; }`)
      }
      nft(namespace, `add rule inet site ${hook} ${rule}`)
    },
    doctor: (...args) => runDoctor(client, dataDir, ...args),
    close: async () => {
      await quiet()
      await server.stop()
      net.close()
      await rm(workDir, { recursive: true, force: true })
    },
  }
}

/** Runs the doctor on the interface of a computer's namespace. It asks the server over the socket in the data folder. */
export async function runDoctor(
  namespace: string,
  dataDir: string,
  ...args: string[]
): Promise<{ code: number | null; report: DoctorReport; errors: string }> {
  const command = [process.execPath, join(programDir, 'dist/main.js'), 'doctor', '--interface', 'eth0', '--json']
  const { code, out, err } = await collect('ip', ['netns', 'exec', namespace, ...command, ...args], {
    BOOTWRIGHT_DATA_DIR: dataDir,
  })
  return { code, report: JSON.parse(out || '{"findings":[]}'), errors: err }
}

/** The boot options of a healthy site. */
export const healthy = [
  'dhcp-match=set:bios,option:client-arch,0',
  'dhcp-match=set:x64,option:client-arch,7',
  'dhcp-match=set:arm64,option:client-arch,11',
  'dhcp-match=set:http,option:client-arch,16',
  'dhcp-userclass=set:ipxe,iPXE',
  `dhcp-boot=tag:!ipxe,tag:bios,undionly.kpxe,,${serverAddress}`,
  `dhcp-boot=tag:!ipxe,tag:x64,snponly.efi,,${serverAddress}`,
  `dhcp-boot=tag:!ipxe,tag:arm64,ipxe-arm64.efi,,${serverAddress}`,
  `dhcp-boot=tag:!ipxe,tag:http,http://${serverAddress}:8080/nbp/snponly.efi`,
  'dhcp-option-force=tag:http,60,HTTPClient',
  `dhcp-boot=tag:ipxe,http://${serverAddress}:8080/boot.ipxe`,
]

export { serverAddress }

/** The codes of the problems, without repetitions; `state` limits them. */
export function codesOf({ findings }: DoctorReport, state?: Finding['state']): string[] {
  const problems = findings.filter(
    (finding) => finding.code !== undefined && (state ?? finding.state) === finding.state,
  )
  return [...new Set(problems.map(({ code = '' }) => code))].sort()
}

function nft(namespace: string, command: string): void {
  const { status, stderr } = spawnSync('ip', ['netns', 'exec', namespace, 'nft', ...command.split(' ')], {
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`nft ${command}: ${stderr.trim()}`)
}

function collect(
  program: string,
  args: string[],
  env: Record<string, string>,
): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve) => {
    const child = spawn(program, args, { env: { PATH: process.env.PATH, ...env }, timeout: 90_000 })
    let out = ''
    let err = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      out += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      err += text
    })
    child.on('close', (code) => resolve({ code, out, err }))
  })
}
