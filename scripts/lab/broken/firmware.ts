// Real firmware in a broken network: what its console prints.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Running } from '../process.ts'
import { startVm, type VmOptions } from '../vm.ts'
import type { FirmwareName } from './network.ts'
import type { Site } from './site.ts'

const machines: Record<FirmwareName, VmOptions> = {
  uefi: { firmware: 'efi-x86_64', mac: '52:54:00:0b:01:07' },
  httpBoot: { firmware: 'efi-x86_64', mac: '52:54:00:0b:01:10', httpBoot: true },
  arm64: { firmware: 'efi-arm64', mac: '52:54:00:0b:01:0b' },
  ipxe: { firmware: 'pcbios-x86_64', mac: '52:54:00:0b:01:00' },
}

/** EDK2 sends DISCOVER four times and waits 4, 8, 16 and 32 s. */
const lifetimeMs = 180_000

let started = 0

/** Switches a machine on in the open network of a site. */
export async function startFirmware(site: Site, firmware: FirmwareName): Promise<Running> {
  const dir = join(site.workDir, `machine-${started++}`)
  await mkdir(dir)
  return startVm(site.net, dir, { ...machines[firmware], lifetimeMs })
}
