import { copyFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { makeDisk } from './disk.ts'
import type { Net } from './net.ts'
import { piece } from './pieces.ts'
import { type Running, startIn } from './process.ts'

/** A machine by its firmware: `pcbios` has iPXE in its network card's ROM, the others have EDK2's own PXE and HTTP clients. */
export type Firmware = 'pcbios-x86_64' | 'efi-x86_64' | 'efi-arm64'

export type VmOptions = {
  firmware: Firmware
  /** `52:54:00:12:34:56` */
  mac: string
  /** A second card, first on the bus, whose cable is plugged in but not connected. */
  deadEndMac?: string
  /** SMBIOS: the facts that the machine reports. */
  serial?: string
  product?: string
  manufacturer?: string
  asset?: string
  uuid?: string
  /** UEFI only: skips the PXE attempts before HTTP Boot, which would take two minutes to fail. */
  httpBoot?: boolean
  /** A disk, after the network in the boot order, that prints this line when it boots (see makeDisk). */
  disk?: string
  /** A file that is the machine's only disk, on USB: the initrd of Debian's netboot has drivers for no other kind. */
  usbDisk?: string
  /** Number of empty disks before that disk. */
  emptyDisks?: number
  /** True: a reset or a reboot restarts the machine; otherwise it switches off. */
  reboots?: boolean
  memoryMb?: number
  /** Maximum lifetime. The slowest single boot takes two minutes here, a third of the default. */
  lifetimeMs?: number
}

/**
 * About one boot in twenty of Linux 6.12 ended in a panic in kmalloc, right after a CMPXCHG16B that left nonsense in EFLAGS
 * (QEMU 7.2 in emulation). Without that instruction the kernel uses other code.
 */
const withoutCx16 = ['-cpu', 'qemu64,cx16=off']

/** Switches a machine on. The result's text is the serial console, and its standard input takes keys. */
export async function startVm(net: Pick<Net, 'lan' | 'addTap'>, workDir: string, options: VmOptions): Promise<Running> {
  const { program, args } = await machine(workDir, options)
  const rom = options.firmware === 'pcbios-x86_64' ? '' : ',romfile='
  const smbios = [
    ['serial', options.serial],
    ['product', options.product],
    ['manufacturer', options.manufacturer ?? 'Lab'],
  ].flatMap(([field, value]) => (value ? [`${field}=${doubled(value)}`] : []))
  const running = startIn(net.lan, program, [
    ...args,
    // Never KVM: on a virtual machine /dev/kvm may open and still not run firmware.
    ...[
      '-accel',
      'tcg',
      '-m',
      String(options.memoryMb ?? 1024),
      '-display',
      'none',
      '-nodefaults',
      '-no-user-config',
      ...(options.reboots ? [] : ['-no-reboot']),
      '-serial',
      'stdio',
    ],
    ...(options.deadEndMac ? deadEnd(net, options.deadEndMac) : []),
    ...['-netdev', `tap,id=n0,ifname=${net.addTap()},script=no,downscript=no`],
    ...['-device', `virtio-net-pci,netdev=n0,mac=${options.mac},bootindex=0${rom}`],
    // Without this device a new iPXE gathers entropy for four seconds.
    ...['-device', 'virtio-rng-pci'],
    ...['-smbios', `type=1,${smbios.join(',')}`],
    ...(options.asset ? ['-smbios', `type=3,asset=${doubled(options.asset)}`] : []),
    ...(options.uuid ? ['-uuid', options.uuid] : []),
    ...(options.usbDisk ? usbDisk(options.usbDisk) : []),
    ...(options.disk ? await disks(workDir, options.disk, options.emptyDisks ?? 0) : []),
  ])
  const limit = setTimeout(() => running.child.kill('SIGKILL'), options.lifetimeMs ?? 120_000)
  running.ended.then(() => clearTimeout(limit))
  return running
}

// QEMU ends a value at a comma; two commas mean one.
function doubled(value: string): string {
  return value.replaceAll(',', ',,')
}

async function machine(
  workDir: string,
  { firmware, mac, httpBoot }: VmOptions,
): Promise<{ program: string; args: string[] }> {
  // graphics=off puts SeaBIOS and iPXE on the serial line.
  if (firmware === 'pcbios-x86_64') {
    return { program: 'qemu-system-x86_64', args: ['-machine', 'pc,graphics=off', ...withoutCx16] }
  }
  const x64 = firmware === 'efi-x86_64'
  const code = x64 ? '/usr/share/OVMF/OVMF_CODE_4M.fd' : '/usr/share/AAVMF/AAVMF_CODE.fd'
  const variables = x64 ? '/usr/share/OVMF/OVMF_VARS_4M.fd' : '/usr/share/AAVMF/AAVMF_VARS.fd'
  // Each machine writes its boot options into its own copy.
  const ownVariables = join(workDir, `variables-${mac.replaceAll(':', '-')}.fd`)
  await copyFile(variables, ownVariables)
  const noPxe = (family: string) => ['-fw_cfg', `name=opt/org.tianocore/${family}PXESupport,string=no`]
  return {
    program: x64 ? 'qemu-system-x86_64' : 'qemu-system-aarch64',
    args: [
      ...(x64 ? ['-machine', 'q35', ...withoutCx16] : ['-machine', 'virt', '-cpu', 'cortex-a57']),
      ...['-drive', `if=pflash,format=raw,unit=0,readonly=on,file=${code}`],
      ...['-drive', `if=pflash,format=raw,unit=1,file=${ownVariables}`],
      ...(x64 ? noPxe('IPv6') : []),
      ...(httpBoot ? noPxe('IPv4') : []),
    ],
  }
}

function deadEnd(net: Pick<Net, 'addTap'>, mac: string): string[] {
  return [
    ...['-netdev', `tap,id=n1,ifname=${net.addTap({ deadEnd: true })},script=no,downscript=no`],
    ...['-device', `virtio-net-pci,netdev=n1,mac=${mac},romfile=`],
  ]
}

function usbDisk(file: string): string[] {
  return [
    ...['-device', 'usb-ehci', '-drive', `if=none,id=u0,format=raw,cache=unsafe,file=${file}`],
    ...['-device', 'usb-storage,drive=u0,bootindex=1'],
  ]
}

async function disks(workDir: string, line: string, empty: number): Promise<string[]> {
  const files: string[] = []
  for (let index = 0; index < empty; index += 1) {
    const file = join(workDir, `empty-${index}.img`)
    await writeFile(file, '')
    await truncate(file, 32 * 2 ** 20)
    files.push(file)
  }
  const bootable = join(workDir, 'disk.img')
  await makeDisk(bootable, line, piece('efi-shell/shellx64.efi'))
  return [...files, bootable].flatMap((file, index) => [
    ...['-drive', `if=none,id=d${index},format=raw,file=${file}`],
    ...['-device', `virtio-blk-pci,drive=d${index},bootindex=${index + 1}`],
  ])
}
