// The doctor of this server, with everything that it checks.
import { join } from 'node:path'
import type { ProxyState } from '../api/system/server-facts.ts'
import type { Config } from '../config/config.ts'
import { createDoctor, type Doctor } from '../doctor/doctor.ts'
import type { Logger } from '../lib/log.ts'
import { programDir } from '../lib/program-dir.ts'
import type { BootListener } from './boot-listener.ts'
import type { Data } from './data/data.ts'
import { reachableAddress } from './http/listen.ts'

/** @param listening the addresses of TFTP; undefined if it does not listen */
export function openDoctor(
  config: Config,
  { db, health, nbps, folder }: Data,
  { deps, address }: BootListener,
  listening: string | undefined,
  proxyState: () => ProxyState,
  log: Logger,
): Doctor {
  const { boot, tftp } = config
  const { inventory, findStoredSize, scripts, settings } = deps
  return createDoctor({
    ...{ inventory, findStoredSize, scripts, settings, db, log, nbps },
    ...health,
    nbpFolder: boot.nbpFolder ?? join(programDir, 'ipxe', 'nbp'),
    dataFolder: folder.folder,
    baseUrl: boot.baseUrl,
    bootUrl: `http://${reachableAddress(address)}`,
    boot: { host: address.address, port: address.port },
    tftp: { configured: tftp.listen === 'off' ? undefined : tftp.listen, listening },
    get proxyDhcp() {
      return proxyState().interfaces
    },
    bootSubnets: boot.subnets,
  })
}
