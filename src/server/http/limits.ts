// The limits of connections: the settings, reduced to the limit of open files.
import type { Config } from '../../config/config.ts'
import type { Logger } from '../../lib/log.ts'
import { proxyTest } from '../../lib/subnet.ts'
import type { ConnectionLimits } from './connections.ts'
import { freeDescriptors, shareDescriptors } from './descriptors.ts'

export type Limits = { boot: ConnectionLimits; admin: ConnectionLimits; maxTftpTransfers: number }

const maxAdminConnections = 1024
const warnEveryMs = 60_000

/** The limits of connections for each listener. They leave enough descriptors for the database. */
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
      'the limit of open files (ulimit -n, LimitNOFILE) allows fewer connections than the settings do',
    )
  const warnCrowded = atMostEvery(warnEveryMs, (address) =>
    log.warn(
      { ip: address, bootConnections },
      'too many boot connections, closing idle connections and refusing new ones',
    ),
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

/** Limits calls of `run` to one in `everyMs` milliseconds, and drops the others. */
function atMostEvery(everyMs: number, run: (text: string) => void): (text: string) => void {
  let lastRunAt = Number.NEGATIVE_INFINITY
  return (text) => {
    if (performance.now() - lastRunAt < everyMs) return
    lastRunAt = performance.now()
    run(text)
  }
}
