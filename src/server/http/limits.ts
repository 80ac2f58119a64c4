// How many connections clients may have: what the settings allow, and what the limit of open files leaves to them.
import type { Config } from '../../config/config.ts'
import type { Logger } from '../../lib/log.ts'
import { proxyTest } from '../../lib/subnet.ts'
import type { ConnectionLimits } from './connections.ts'
import { freeDescriptors, shareDescriptors } from './descriptors.ts'

export type Limits = { boot: ConnectionLimits; admin: ConnectionLimits; maxTftpTransfers: number }

const maxAdminConnections = 1024
const warnEveryMs = 60_000

/** The share of the process's descriptors that clients may take, so that the database always has some. */
export async function findLimits({ boot, tftp }: Config, log: Logger): Promise<Limits> {
  const free = await freeDescriptors()
  const asked = {
    bootConnections: boot.maxConnections,
    adminConnections: maxAdminConnections,
    tftpTransfers: tftp.maxTransfers,
  }
  const { bootConnections, adminConnections, tftpTransfers } = shareDescriptors(free, asked)
  if (bootConnections < asked.bootConnections || tftpTransfers < asked.tftpTransfers)
    log.info(
      { freeDescriptors: free, bootConnections, tftpTransfers },
      'the limit of open files (ulimit -n, LimitNOFILE) allows fewer connections than the settings',
    )
  const warnCrowded = atMostEvery(warnEveryMs, (address) =>
    log.warn({ ip: address, bootConnections }, 'too many boot connections: idle ones are closed, then new ones'),
  )
  return {
    boot: {
      maxConnections: bootConnections,
      maxPerAddress: boot.maxConnectionsPerAddress ?? Math.ceil(bootConnections / 4),
      isShared: proxyTest(boot.trustedProxies),
      crowded: warnCrowded,
    },
    admin: { maxConnections: adminConnections, maxPerAddress: adminConnections },
    maxTftpTransfers: tftpTransfers,
  }
}

/** Calls `tell` once in that time at most. */
function atMostEvery(everyMs: number, tell: (text: string) => void): (text: string) => void {
  let toldAt = Number.NEGATIVE_INFINITY
  return (text) => {
    if (performance.now() - toldAt < everyMs) return
    toldAt = performance.now()
    tell(text)
  }
}
