import { createHash } from 'node:crypto'
import { type IpxeHttp, openIpxeHttp } from './fake-http.ts'
import { type BootServerAddress, edk2, fetchByTftp, ipxe } from './fake-tftp.ts'

/** A simulated machine: it sends and fetches what UEFI, iPXE and an installer would, from its own address. */
export type FakeMachine = {
  /** `52:54:00:12:34:56` */
  mac: string
  /** An IPv4 address of this machine, such as one of 127.0.0.0/8; no two machines share one. */
  address: string
}

/** The steps of a boot, in order. There is one `initrd` for each that the script names. */
export const fakeStages = [
  'nbp',
  'autoexec',
  'bootstrap',
  'script',
  'kernel',
  'initrd',
  'ready',
  'answer',
  'report',
] as const
export type FakeStage = (typeof fakeStages)[number]

/** One fetch. `repeats` counts repeated TFTP packets, `retries` HTTP answers with Retry-After. */
export type FakeStep = {
  stage: FakeStage
  ms: number
  bytes: number
  repeats: number
  retries: number
  /** Hexadecimal; undefined unless hashes were requested. */
  sha256?: string
}

/** The result of a machine's boot: all its steps, and the error if the machine could not send its last report. */
export type FakeBoot = { mac: string; steps: FakeStep[]; error?: string }

const mostScriptBytes = 65_536

/**
 * Boots a machine. The firmware fetches ipxe.efi by TFTP. iPXE fetches its bootstrap, its script and the files of the script,
 * and reports that it is about to jump. The system fetches the answer file of the argument `url=`, if there is one, and
 * reports to the address in `report=` that it is up. Does not throw: the result has the error. `toldToWait` is called for
 * each 503.
 */
export async function bootFakeMachine(
  machine: FakeMachine,
  server: BootServerAddress,
  { hashes = false, toldToWait }: { hashes?: boolean; toldToWait?: () => void } = {},
): Promise<FakeBoot> {
  const boot: FakeBoot = { mac: machine.mac, steps: [] }
  const http = openIpxeHttp(machine.address, toldToWait)
  try {
    await bootSteps(machine, server, http, hashes, boot.steps)
  } catch (error) {
    const done = boot.steps.at(-1)?.stage
    boot.error = `after ${done ?? 'power on'}: ${error instanceof Error ? error.message : error}`
  } finally {
    http.close()
  }
  return boot
}

async function bootSteps(
  { mac, address }: FakeMachine,
  server: BootServerAddress,
  http: IpxeHttp,
  hashes: boolean,
  steps: FakeStep[],
): Promise<void> {
  const step = async (stage: FakeStage, fetch: (take: (piece: Buffer) => void) => Promise<Partial<FakeStep>>) => {
    const started = performance.now()
    const hash = hashes ? createHash('sha256') : undefined
    const { bytes = 0, repeats = 0, retries = 0 } = await fetch((piece) => hash?.update(piece))
    const ms = performance.now() - started
    steps.push({ stage, ms, bytes, repeats, retries, ...(hash !== undefined && { sha256: hash.digest('hex') }) })
  }
  const get = (stage: FakeStage, url: URL) => step(stage, (take) => http.get(url, take))
  const read = async (stage: FakeStage, url: URL) => {
    const parts: Buffer[] = []
    await step(stage, (take) =>
      http.get(url, (piece) => {
        take(piece)
        // The next piece overwrites this one.
        parts.push(Buffer.from(piece))
      }),
    )
    return textOf(parts)
  }

  await step('nbp', (take) => fetchByTftp(edk2, address, server, 'ipxe.efi', take))
  await step('autoexec', (take) => fetchByTftp(ipxe, address, server, 'autoexec.ipxe', take))
  const bootstrapUrl = new URL(`http://${server.host}:${server.httpPort}/boot.ipxe`)
  const bootstrap = commandsOf(await read('bootstrap', bootstrapUrl), settingsOf(mac, address))
  const scriptUrl = urlOf(bootstrap, 'chain', bootstrapUrl)
  const script = commandsOf(await read('script', scriptUrl), settingsOf(mac, address))
  const kernel = script.find(([command]) => command === 'kernel') ?? []
  await get('kernel', urlOf(script, 'kernel', scriptUrl))
  for (const initrd of script.filter(([command]) => command === 'initrd'))
    await get('initrd', urlOf([initrd], 'initrd', scriptUrl))
  await get('ready', urlOf(script, 'imgfetch', scriptUrl))
  const answers = argumentOf(kernel, 'url')
  if (answers !== undefined) await get('answer', new URL(answers))
  const report = argumentOf(kernel, 'report')
  if (report === undefined) throw new Error('the kernel has no argument report=')
  await get('report', new URL(`${report}/booted?message=6.1.0`))
}

/** The facts that iPXE has about its machine, under the names that the bootstrap uses. */
function settingsOf(mac: string, address: string): Map<string, string> {
  return new Map([
    ['netX/mac:hexhyp', mac.replaceAll(':', '-')],
    ['netX/ip', address],
    ['platform', 'efi'],
    ['buildarch', 'x86_64'],
    ['cpuarch', 'x86_64'],
    ['version:uristring', '1.21.1%2Bfake'],
    ['manufacturer:uristring', 'Storm'],
    ['product:uristring', 'S%201'],
  ])
}

/**
 * The commands of a script as words, with settings filled in, each up to its `||` or `&&`. Ends after `boot`.
 * @throws Error if the text is not a script
 */
export function commandsOf(script: string, settings: ReadonlyMap<string, string>): string[][] {
  if (!script.startsWith('#!ipxe\n')) throw new Error(`no script: ${JSON.stringify(script.slice(0, 60))}`)
  const commands = script
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const words = line.replaceAll(/\$\{([^}]*)\}/g, (_, name: string) => settings.get(name) ?? '').split(/\s+/)
      const end = words.findIndex((word) => word === '||' || word === '&&')
      return end < 0 ? words : words.slice(0, end)
    })
  const boot = commands.findIndex(([command]) => command === 'boot')
  return boot < 0 ? commands : commands.slice(0, boot)
}

/** The URL of the first such command: its first word that is neither an option nor the value of an option. */
function urlOf(commands: string[][], wanted: string, base: URL): URL {
  const words = commands.find(([command]) => command === wanted)?.slice(1) ?? []
  const url = words.find((word, at) => !word.startsWith('--') && words[at - 1] !== '--name')
  if (url === undefined) throw new Error(`the script has no ${wanted}`)
  return new URL(url, base)
}

function argumentOf(kernel: string[], name: string): string | undefined {
  return kernel.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1)
}

function textOf(parts: Buffer[]): string {
  const bytes = Buffer.concat(parts)
  if (bytes.length > mostScriptBytes) throw new Error(`a script of ${bytes.length} bytes`)
  return bytes.toString('utf8')
}
