// A site whose network can be broken, one fault after the other: the LAN, its DHCP server, and a boot server.
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { programDir } from '../../../src/lib/program-dir.ts'
import { isNbpName } from '../../../src/model/firmware/nbp.ts'
import { type Net, openNet } from '../net.ts'
import type { Running } from '../process.ts'
import { type LabServer, startServer } from '../server.ts'
import type { BrokenNetwork } from './network.ts'
import { healthyDhcp } from './rules.ts'
import { type Place, startDnsmasq, startOdd, startSiteDhcp } from './servers.ts'

/** The computer on which the doctor runs, and its address. */
export const doctorAddress = '10.99.0.3'
/** A machine of the inventory: x86-64, assigned to the image of the site. */
export const siteMac = '52:54:00:0b:00:01'
/** The images of the site: `lab` for x86-64, and `arm-only`. */
export const siteImages = { usual: 'lab', armOnly: 'arm-only' }

/** What a network's `change` may use. */
export type BrokenSite = {
  net: Net
  workDir: string
  /** Adds a computer with a foreign dnsmasq, whose lines these are. */
  addDnsmasq(address: string, lines: string[]): Promise<Running>
  /** Adds a computer with an odd server. */
  addOdd(address: string, behaviour: Parameters<typeof startOdd>[2]): Promise<Running>
  /** Starts a program in a namespace; it ends with the network. */
  keep(running: Running): Running
  /** A folder with the boot programs of setup, each as `edit` returns it. */
  copyNbps(edit?: (name: string, bytes: Buffer) => Buffer): Promise<string>
}

/** A network, with a fault or without. */
type AnyNetwork = Omit<BrokenNetwork, 'finding'>

/** A network while it is broken. */
export type Broken = { server: LabServer; dataDir: string; close(): Promise<void> }

export type Site = {
  net: Net
  workDir: string
  /** The network namespace of a computer on the LAN, with the device `eth0`. */
  doctor: string
  /** Breaks the network. The server of the last network is kept if it needs the same settings. One network at a time. */
  open(network: AnyNetwork): Promise<Broken>
  close(): Promise<void>
}

/**
 * Makes a data folder with the inventory of a site, for sites that are opened at the same time: the first start of a database
 * takes long. Returns the folder, which the caller removes.
 */
export async function makeSiteData(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'bwbroken-data-'))
  const net = openNet()
  try {
    const server = await startServer(net, folder, {})
    try {
      await fillInventory(server)
    } finally {
      await server.stop()
    }
  } finally {
    net.close()
  }
  return folder
}

/** Opens a site, with a copy of `dataFrom`. Needs root, dnsmasq, nft, and the built program. */
export async function openSite(dataFrom?: string): Promise<Site> {
  const workDir = await mkdtemp(join(tmpdir(), 'bwbroken-'))
  const net = openNet()
  const doctor = net.addHost('doctor', doctorAddress)
  const dataDir = join(workDir, 'data')
  let kept: { key: string; server: LabServer } | undefined
  let isFilled = dataFrom !== undefined
  if (dataFrom !== undefined) await cp(dataFrom, dataDir, { recursive: true })
  let opened = 0
  let hosts = 0

  /** All servers use the same data folder, one after the other: the first start of a database takes long. */
  async function serverFor(network: AnyNetwork, dir: string): Promise<LabServer> {
    const key = network.changeNbps ? dir : JSON.stringify(network.settings ?? {})
    if (kept?.key === key) return kept.server
    await kept?.server.stop()
    kept = undefined
    const nbpDir = join(dir, 'nbp')
    await cp(join(programDir, 'ipxe/nbp'), nbpDir, { recursive: true })
    await network.changeNbps?.(nbpDir)
    const server = await startServer(net, dataDir, { BOOTWRIGHT_NBP_DIR: nbpDir, ...network.settings })
    kept = { key, server }
    if (!isFilled) await fillInventory(server)
    isFilled = true
    return server
  }

  async function open(network: AnyNetwork): Promise<Broken> {
    const dir = join(workDir, `${opened++}-${network.name}`)
    await mkdir(dir)
    const server = await serverFor(network, dir)
    const stops: (() => Promise<void> | void)[] = []
    const close = async () => {
      for (const stop of stops.reverse()) await stop()
    }
    const keep = (running: Running) => {
      stops.push(running.stop)
      return running
    }
    const addHost = async (address: string): Promise<Place> => {
      const namespace = net.addHost(`host${hosts++}`, address)
      stops.push(() => net.removeHost(namespace))
      const hostDir = join(dir, namespace)
      await mkdir(hostDir)
      return { namespace, device: 'eth0', workDir: hostDir }
    }
    const site: BrokenSite = {
      net,
      workDir: dir,
      keep,
      copyNbps: async (edit = (_name, bytes) => bytes) => {
        const folder = join(dir, 'copies')
        await mkdir(folder)
        const names = await readdir(join(programDir, 'ipxe/nbp'))
        for (const name of names.filter(isNbpName))
          await writeFile(join(folder, name), edit(name, await readFile(join(programDir, 'ipxe/nbp', name))))
        return folder
      },
      addDnsmasq: async (address, lines) => keep(await startDnsmasq(await addHost(address), lines)),
      addOdd: async (address, behaviour) => keep(await startOdd(await addHost(address), address, behaviour)),
    }
    try {
      const dhcp = await startSiteDhcp({ namespace: net.lan, device: 'br0', workDir: dir }, network.dhcp ?? healthyDhcp)
      if (dhcp !== undefined) keep(dhcp)
      stops.push(addFilters(net.lan, 'bridge', 'forward', network.filters?.lan))
      stops.push(addFilters(net.lan, 'inet', 'input', network.filters?.dhcpServer))
      stops.push(addFilters(net.server, 'inet', 'input', network.filters?.server))
      for (const undo of [await network.change?.(site), await network.changeServer?.(server, dataDir)])
        if (undo !== undefined) stops.push(undo)
      return { server, dataDir, close }
    } catch (error) {
      await close()
      throw error
    }
  }

  return {
    net,
    workDir,
    doctor,
    open,
    close: async () => {
      await kept?.server.stop()
      net.close()
      await rm(workDir, { recursive: true, force: true })
    },
  }
}

/** Adds rules to one chain; the result removes them. @throws Error with what nft printed */
function addFilters(namespace: string, family: string, hook: string, rules: string[] = []): () => void {
  if (rules.length === 0) return () => undefined
  const nft = (input: string) => {
    const { status, stderr, error } = spawnSync('ip', ['netns', 'exec', namespace, 'nft', '-f', '-'], {
      input,
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(`nft: ${error?.message ?? stderr}`)
  }
  const chain = `type filter hook ${hook} priority 0;\n${rules.join('\n')}\n`
  nft(`table ${family} broken { chain ${hook} { ${chain}}\n}\n`)
  return () => nft(`delete table ${family} broken\n`)
}

async function fillInventory(server: LabServer): Promise<void> {
  const store = async (name: string, bytes: Buffer) => {
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    await server.api('PUT', `/files/${sha256}?name=${name}`, bytes)
    return { sha256, name }
  }
  const kernel = await store('vmlinuz', Buffer.alloc(100_000, 'kernel'))
  const initrds = [await store('initrd.cpio', Buffer.alloc(50_000, 'initrd'))]
  const imageOf = (title: string, arches: string[]) => ({
    title,
    variants: arches.map((arch) => ({ arch, kind: 'linux', kernel, initrds })),
  })
  await server.api('PUT', `/images/${siteImages.usual}`, imageOf('The usual image', ['x86_64', 'arm64']))
  await server.api('PUT', `/images/${siteImages.armOnly}`, imageOf('An image for arm64', ['arm64']))
  await server.api('PUT', `/machines/${siteMac}`, { assignment: { image: siteImages.usual } })
}
