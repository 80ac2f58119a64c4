import {
  accessSync,
  constants,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { programDir } from '../../src/lib/program-dir.ts'
import { nbpFor } from '../../src/model/firmware/kinds.ts'

export type DemoMachine = {
  mac: string
  efi: boolean
  memoryMb: number
  /** A file, created if it is missing. */
  disk: string
  /** URL of the bootstrap. */
  script: string
  /** Folder for the firmware's variables and the boot program. */
  workDir: string
}

const diskBytes = 10e9
const firmware = '/usr/share/OVMF/OVMF_CODE_4M.fd'
const nbpFolder = join(programDir, 'ipxe/nbp')

/** The packages that the demo lacks, with the command that installs them; undefined if none is missing. */
export function whyNoQemu(efi: boolean): string | undefined {
  const needed: [string, string][] = [
    ['qemu-system-x86', '/usr/bin/qemu-system-x86_64'],
    efi ? ['ovmf', firmware] : ['ipxe-qemu', '/usr/lib/ipxe/qemu/pxe-virtio.rom'],
  ]
  const missing = needed.filter(([, file]) => !existsSync(file)).map(([name]) => name)
  if (missing.length > 0) return `QEMU is missing: apt-get install --no-install-recommends ${missing.join(' ')}`
  return efi && findBootProgram() === undefined ? 'no boot program for UEFI: see ipxe/nbp/README.md' : undefined
}

/** The boot program that UEFI x86-64 gets. */
function findBootProgram(): string | undefined {
  const present = existsSync(nbpFolder) ? readdirSync(nbpFolder).map((name) => ({ name })) : []
  return nbpFor(7, present)
}

/** The arguments of QEMU. Creates the disk and the files for UEFI. */
export function qemuArgs(machine: DemoMachine): string[] {
  const { mac, efi, memoryMb, disk, script } = machine
  if (!existsSync(disk)) {
    writeFileSync(disk, '')
    truncateSync(disk, diskBytes)
  }
  return [
    ...['-accel', canRunKvm() ? 'kvm' : 'tcg', '-m', String(memoryMb), '-nodefaults', '-display', 'none'],
    ...['-serial', 'stdio', '-device', 'virtio-rng-pci'],
    // On BIOS the ROM of the network card is iPXE, which gets the script's address by DHCP.
    ...(efi ? efiArgs(machine) : ['-machine', 'pc,graphics=off', '-netdev', `user,id=n0,bootfile=${script}`]),
    ...['-device', `virtio-net-pci,netdev=n0,mac=${mac},bootindex=0${efi ? ',romfile=' : ''}`],
    ...['-drive', `if=none,id=d0,format=raw,cache=unsafe,file=${disk.replaceAll(',', ',,')}`],
    ...['-device', 'virtio-blk-pci,drive=d0,bootindex=1'],
  ]
}

/** The PXE client of the firmware fetches the boot program from QEMU's TFTP server; iPXE then fetches autoexec.ipxe from there. */
function efiArgs({ script, workDir }: DemoMachine): string[] {
  const bootProgram = findBootProgram() ?? ''
  copyFileSync(join(nbpFolder, bootProgram), join(workDir, bootProgram))
  copyFileSync(firmware.replace('CODE', 'VARS'), join(workDir, 'variables.fd'))
  writeFileSync(join(workDir, 'autoexec.ipxe'), `#!ipxe\ndhcp\nchain ${script}\n`)
  return [
    ...['-machine', 'q35', '-drive', `if=pflash,format=raw,unit=0,readonly=on,file=${firmware}`],
    ...['-drive', `if=pflash,format=raw,unit=1,file=${join(workDir, 'variables.fd')}`],
    ...['-netdev', `user,id=n0,tftp=${workDir},bootfile=${bootProgram}`],
    // Each of these would wait a minute for an answer before the firmware tries the disk.
    ...['-fw_cfg', 'name=opt/org.tianocore/IPv6PXESupport,string=no'],
  ]
}

/** Inside a virtual machine /dev/kvm may open and still not run firmware: the processor must have the extensions too. */
function canRunKvm(): boolean {
  try {
    accessSync('/dev/kvm', constants.R_OK | constants.W_OK)
    return /^flags\s*:.*\b(?:vmx|svm)\b/m.test(readFileSync('/proc/cpuinfo', 'utf8'))
  } catch {
    return false
  }
}
