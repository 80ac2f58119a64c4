import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { messageOf } from '../src/lib/errors.ts'
import { parseMac } from '../src/lib/ids/mac.ts'
import { createHintKeeper, hint, isAtEnd } from './demo/console.ts'
import { qemuArgs, whyNoQemu } from './demo/machine.ts'
import { findBootServer } from './demo/server.ts'

const usage = `Usage: npm run demo -- [options]

Boot one virtual machine from the server on this computer and show its serial console. This needs neither root nor a
network: QEMU acts as DHCP server and router. Ctrl-C switches the machine off.

  --mac MAC       the MAC address of the machine (default 52:54:00:12:34:56)
  --efi           UEFI instead of BIOS
  --memory MB     memory size (default 2048)
  --disk FILE     keep the disk in this file, created with 10 GB if it is missing. Without this option the disk is deleted
  --port PORT     TCP port of boot HTTP (default: from BOOTWRIGHT_BOOT_LISTEN, else 8080)
  --help          show this help

The machine has one disk, /dev/vda, after the network in its boot order, and a serial console. A Linux image shows nothing
there without the argument console=ttyS0.
`

const options = {
  mac: { type: 'string', default: '52:54:00:12:34:56' },
  efi: { type: 'boolean', default: false },
  memory: { type: 'string', default: '2048' },
  disk: { type: 'string' },
  port: { type: 'string' },
  help: { type: 'boolean', default: false },
} as const

/** @throws Error with the fault, in words */
async function demo(): Promise<number> {
  const { values } = parseArgs({ options })
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  const mac = parseMac(values.mac)
  if (mac === undefined)
    throw new Error(`--mac: expected a MAC address, got "${values.mac}". Example: 52:54:00:12:34:56`)
  const memoryMb = wholeNumber('--memory', values.memory, 128, 65_536)
  const port = values.port === undefined ? undefined : wholeNumber('--port', values.port, 1, 65_535)
  const lacks = whyNoQemu(values.efi)
  if (lacks !== undefined) throw new Error(lacks)
  const server = await findBootServer(process.env, port)

  const workDir = mkdtempSync(join(tmpdir(), 'bootwright-demo-'))
  try {
    const disk = values.disk ?? join(workDir, 'disk.img')
    const script = `${server}/boot.ipxe`
    if (process.stdout.isTTY) process.stdout.write(`\x1b]0;${hint}\x07`)
    console.log(`${values.efi ? 'A UEFI' : 'A BIOS'} machine with the MAC ${mac} boots from ${script}.\n${hint}`)
    const machine = { mac, efi: values.efi, memoryMb, disk, script, workDir }
    const atEnd = await runMachine(
      spawn('qemu-system-x86_64', qemuArgs(machine), { stdio: ['inherit', 'pipe', 'inherit'] }),
    )
    console.log(atEnd ? endOf(mac) : '\nThe machine is off.')
    return 0
  } finally {
    rmSync(workDir, { recursive: true, force: true })
  }
}

function endOf(mac: string): string {
  const command = 'npm run bootwright --'
  return [
    '\n\nThe machine is off: its disk had nothing to boot. This is the expected end for a machine that has no',
    'assignment and no deployment. To see why, and to install a system:',
    `  ${command} explain ${mac}`,
    `  ${command} deployment arm ${mac} --image NAME --answer-file NAME --param disk=/dev/vda`,
    'Steps 3 and 4 of docs/guide/first-machine.md explain both names.',
  ].join('\n')
}

/** Shows the console until the machine is off. True if the firmware found nothing to boot; then this switches the machine off. */
function runMachine(qemu: ChildProcess): Promise<boolean> {
  const keepHint = createHintKeeper()
  let tail = ''
  let atEnd = false
  qemu.stdout?.setEncoding('utf8').on('data', (text: string) => {
    process.stdout.write(keepHint(text))
    tail = (tail + text).slice(-4096)
    if (atEnd || !isAtEnd(tail)) return
    atEnd = true
    qemu.kill('SIGTERM')
  })
  // Ctrl-C reaches QEMU as well; this process stays to clean up.
  process.on('SIGINT', () => undefined)
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => qemu.kill('SIGTERM'))
  return new Promise((resolve, reject) => {
    qemu.on('error', reject)
    qemu.on('close', (code) =>
      code === 0 || atEnd ? resolve(atEnd) : reject(new Error(`QEMU ended with exit code ${code}`)),
    )
  })
}

function wholeNumber(name: string, text: string, min: number, max: number): number {
  const number = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN
  if (number >= min && number <= max) return number
  throw new Error(`${name}: expected a whole number from ${min} to ${max}, got "${text}"`)
}

demo().then(
  (code) => {
    process.exitCode = code
  },
  (error: unknown) => {
    console.error(`demo: ${messageOf(error)}\nAll options: npm run demo -- --help`)
    process.exitCode = 1
  },
)
