import { spawn } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { parseMac } from '../src/mac.ts'
import { programDir } from '../src/paths.ts'

// npm run demo [-- --mac 52:54:00:12:34:56] [--efi] [--port 8080]
//
// Boots one virtual machine against the server on this machine and shows its console. Needs no root: QEMU's user
// networking is a DHCP server and a router in itself, at 10.0.2.2, where this machine is reached as well.

const { values } = parseArgs({
  options: {
    mac: { type: 'string', default: '52:54:00:12:34:56' },
    efi: { type: 'boolean', default: false },
    port: { type: 'string', default: '8080' },
  },
})
const mac = parseMac(values.mac)
const port = Number(values.port)
const firmware = '/usr/share/OVMF/OVMF_CODE_4M.fd'
const problem =
  mac === undefined
    ? `--mac ${values.mac}: expected a MAC address`
    : ((await whyNoServer(port)) ?? whyNoQemu(values.efi))
if (problem !== undefined) {
  console.error(problem)
  process.exit(1)
}

const workDir = mkdtempSync(join(tmpdir(), 'bootwright-demo-'))
const script = `http://10.0.2.2:${port}/boot.ipxe`
console.log(
  `A ${values.efi ? 'UEFI' : 'BIOS'} machine with the MAC ${mac} boots from ${script}. Ctrl-C switches it off.`,
)
const qemu = spawn(
  'qemu-system-x86_64',
  [
    ...['-accel', 'tcg', '-m', '1024', '-nodefaults', '-display', 'none', '-no-reboot', '-serial', 'stdio'],
    ...(values.efi ? efiMachine() : ['-machine', 'pc,graphics=off', '-netdev', `user,id=n0,bootfile=${script}`]),
    // On BIOS the card's ROM is iPXE, which takes the script's address from DHCP.
    ...[
      '-device',
      `virtio-net-pci,netdev=n0,mac=${mac},bootindex=0${values.efi ? ',romfile=' : ''}`,
      '-device',
      'virtio-rng-pci',
    ],
  ],
  { stdio: 'inherit' },
)
// Ctrl-C reaches QEMU as well; this process stays to clean up.
process.on('SIGINT', () => undefined)
qemu.on('close', (code) => {
  rmSync(workDir, { recursive: true, force: true })
  process.exitCode = code ?? 0
})

/** The firmware's own PXE client fetches ipxe.efi from QEMU's TFTP server, and iPXE the autoexec.ipxe beside it. */
function efiMachine(): string[] {
  copyFileSync(join(programDir, 'ipxe/nbp/ipxe.efi'), join(workDir, 'ipxe.efi'))
  copyFileSync(firmware.replace('CODE', 'VARS'), join(workDir, 'variables.fd'))
  writeFileSync(join(workDir, 'autoexec.ipxe'), `#!ipxe\ndhcp\nchain ${script}\n`)
  return [
    ...['-machine', 'q35', '-drive', `if=pflash,format=raw,unit=0,readonly=on,file=${firmware}`],
    ...['-drive', `if=pflash,format=raw,unit=1,file=${join(workDir, 'variables.fd')}`],
    ...['-netdev', `user,id=n0,tftp=${workDir},bootfile=ipxe.efi`],
  ]
}

async function whyNoServer(port: number): Promise<string | undefined> {
  const url = `http://127.0.0.1:${port}/healthz`
  const answer = await fetch(url, { signal: AbortSignal.timeout(5000) }).catch(() => undefined)
  return answer?.ok ? undefined : `no server answers at ${url}: run npm start in another terminal first, or say --port`
}

function whyNoQemu(efi: boolean): string | undefined {
  const needed: [string, string][] = [
    ['qemu-system-x86', '/usr/bin/qemu-system-x86_64'],
    ...(efi
      ? ([['ovmf', firmware]] as [string, string][])
      : ([['ipxe-qemu', '/usr/lib/ipxe/qemu/pxe-virtio.rom']] as [string, string][])),
  ]
  const missing = needed.filter(([, file]) => !existsSync(file)).map(([name]) => name)
  if (missing.length > 0) return `the demo needs QEMU: apt-get install --no-install-recommends ${missing.join(' ')}`
  return efi && !existsSync(join(programDir, 'ipxe/nbp/ipxe.efi'))
    ? 'ipxe/nbp/ipxe.efi is missing: see ipxe/nbp/README.md'
    : undefined
}
