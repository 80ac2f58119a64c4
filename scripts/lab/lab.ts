import { createHash } from 'node:crypto'
import { copyFile, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { messageOf } from '../../src/lib/errors.ts'
import { programDir } from '../../src/lib/program-dir.ts'
import { startDhcp } from './dhcp.ts'
import { type SiteDhcp, startSiteDhcp } from './dhcp-servers.ts'
import { makeInitrd } from './initrd.ts'
import { type Net, openNet, serverAddress } from './net.ts'
import { piece, whyNoLab } from './pieces.ts'
import type { Running } from './process.ts'
import { type LabServer, startServer } from './server.ts'
import { startVm, type VmOptions } from './vm.ts'

/** A site with a running boot server that has an image, `lab`, for x86-64 (BIOS and UEFI) and arm64. */
export type Lab = {
  server: LabServer
  net: Net
  /** A folder that is removed when the lab is closed. */
  workDir: string
  /** Size of each file of the image, bytes. */
  sizes: Record<LabArch, { kernel: number; initrd: number }>
  /** Uploads a file for an image of the test. */
  addFile(name: string, bytes: Buffer): Promise<{ sha256: string; name: string }>
  /** Switches a machine on at a site whose DHCP server has these rules. Machines that run at the same time must share them. */
  powerOn(machine: VmOptions, rules: DhcpRules): Promise<{ console: Running; powerOff(): Promise<void> }>
  /** Starts the site's DHCP server with these rules, for clients that `powerOn` does not start. */
  startDhcp(rules: DhcpRules): Promise<{ stop(): Promise<void> }>
  close(): Promise<void>
}

/** Lines for the lab's own dnsmasq, or a server of the site with the text of `bootwright dhcp-config`. */
export type DhcpRules = string[] | SiteDhcp

export type LabArch = 'x86_64' | 'arm64'
const consoles: Record<LabArch, string> = { x86_64: 'ttyS0', arm64: 'ttyAMA0' }

/** Opens a lab; `env` adds to the server's settings. */
export async function openLab(env: Record<string, string> = {}): Promise<Lab> {
  const reason = whyNoLab()
  if (reason !== undefined) throw new Error(`the lab cannot run: ${reason}`)
  const workDir = await mkdtemp(join(tmpdir(), 'bwlab-'))
  const net = openNet()
  const stops: (() => Promise<void>)[] = []
  async function close(): Promise<void> {
    await Promise.all(stops.map((stop) => stop()))
    net.close()
    await rm(workDir, { recursive: true, force: true })
  }

  try {
    const nbpDir = join(workDir, 'nbp')
    await fillNbpDir(nbpDir)
    const server = await startServer(net, join(workDir, 'data'), { BOOTWRIGHT_NBP_DIR: nbpDir, ...env })
    stops.push(server.stop)
    const sizes = await addImage(server, workDir)
    let machines = 0
    const dhcp = shareDhcp(net)

    async function powerOn(machine: VmOptions, rules: DhcpRules) {
      const ownDir = join(workDir, `machine-${machines++}`)
      await mkdir(ownDir)
      const leaveDhcp = await dhcp(ownDir, rules)
      const vm = await startVm(net, ownDir, machine)
      const powerOff = async () => {
        await vm.stop()
        await leaveDhcp()
      }
      stops.push(powerOff)
      const waitFor: Running['waitFor'] = (pattern, timeoutMs) =>
        vm.waitFor(pattern, timeoutMs).catch((error) => {
          throw new Error(`${messageOf(error)}\nThe server's last lines:\n${server.process.lastLines(20)}`)
        })
      return { console: { ...vm, waitFor }, powerOff }
    }

    const addFile = async (name: string, bytes: Buffer) => ({ sha256: await upload(server, name, bytes), name })
    async function startDhcpOnly(rules: DhcpRules) {
      const ownDir = join(workDir, `dhcp-${machines++}`)
      await mkdir(ownDir)
      const stop = await dhcp(ownDir, rules)
      stops.push(stop)
      return { stop }
    }

    return { server, net, workDir, sizes, addFile, powerOn, startDhcp: startDhcpOnly, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** The site's only DHCP server: it starts with the first machine and stops with the last. */
function shareDhcp(net: Net) {
  let running: { rules: DhcpRules; server: Promise<Pick<Running, 'stop'>>; users: number } | undefined
  return async (workDir: string, rules: DhcpRules): Promise<() => Promise<void>> => {
    if (running !== undefined && JSON.stringify(running.rules) !== JSON.stringify(rules))
      throw new Error('machines that run at the same time need the same DHCP rules')
    running ??= {
      rules,
      server: Array.isArray(rules) ? startDhcp(net, workDir, rules) : startSiteDhcp(net, workDir, rules),
      users: 0,
    }
    const mine = running
    mine.users += 1
    const server = await mine.server
    let left = false
    return async () => {
      if (left) return
      left = true
      mine.users -= 1
      if (mine.users > 0) return
      if (running === mine) running = undefined
      await server.stop()
    }
  }
}

/** Uploads the kernel and the initial RAM disk of each architecture, and creates the image of them. */
async function addImage(server: LabServer, workDir: string): Promise<Lab['sizes']> {
  const sizes = {} as Lab['sizes']
  const variants: unknown[] = []
  for (const arch of ['x86_64', 'arm64'] as const) {
    const kernel = await readFile(piece(`${arch}/vmlinuz`))
    const initrd = await makeInitrd(piece(arch), workDir)
    sizes[arch] = { kernel: kernel.length, initrd: initrd.length }
    const args = [`console=${consoles[arch]}`, 'bootwright.report={{ boot.url }}']
    variants.push({
      arch,
      kind: 'linux',
      kernel: { sha256: await upload(server, 'vmlinuz', kernel), name: 'vmlinuz' },
      initrds: [{ sha256: await upload(server, 'initrd.cpio', initrd), name: 'initrd.cpio' }],
      args,
    })
  }
  await server.api('PUT', '/images/lab', {
    title: 'The lab: Linux that reports and switches off',
    variants,
    draft: false,
  })
  return sizes
}

async function upload(server: LabServer, name: string, bytes: Buffer): Promise<string> {
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  await server.api('PUT', `/files/${sha256}?name=${name}`, bytes)
  return sha256
}

/**
 * The boot programs from setup, an iPXE of 2019, and a small script for BIOS. QEMU's network card has iPXE in its ROM and
 * reports that to the DHCP server, so the rules of a real site would never start undionly.kpxe. This script starts it, and
 * then sends undionly.kpxe to the boot server.
 */
async function fillNbpDir(folder: string): Promise<void> {
  await cp(join(programDir, 'ipxe/nbp'), folder, { recursive: true })
  await copyFile(piece('ipxe-2019/ipxe.efi'), join(folder, 'ipxe-2019.efi'))
  await copyFile(piece('ipxe-2019/undionly.kpxe'), join(folder, 'undionly-2019.kpxe'))
  for (const undionly of ['undionly.kpxe', 'undionly-2019.kpxe']) {
    const script = [
      '#!ipxe',
      'iseq ${net0/chip} undionly && goto undionly ||',
      `chain --autofree tftp://${serverAddress}/${undionly}`,
      ':undionly',
      `chain --autofree http://${serverAddress}:8080/boot.ipxe`,
    ]
    await writeFile(join(folder, undionly.replace('.kpxe', '-from-rom.pxe')), `${script.join('\n')}\n`)
  }
}
