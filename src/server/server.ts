// The whole server: opens all parts in order, and closes them in the reverse order.
import { linkUrl } from '../auth/links.ts'
import type { Config } from '../config/config.ts'
import { createFindCounts } from '../inventory/system/counts.ts'
import type { Logger } from '../lib/log.ts'
import { createMetrics } from '../lib/metrics.ts'
import { readVersion } from '../lib/program-dir.ts'
import { outcomes, reports } from '../model/boot.ts'
import { deploymentStates } from '../model/deployment.ts'
import { adminUrlOf, openAdminListener } from './admin-listener.ts'
import { openBootListener, openTftpListener } from './boot-listener.ts'
import { type Closers, createClosers } from './closers.ts'
import { type Data, openData } from './data/data.ts'
import { openDoctor } from './doctor.ts'
import { findLimits } from './http/limits.ts'
import { formatAddress } from './http/listen.ts'
import { settleRolloutJob, startJobs, startRolloutJob } from './jobs.ts'
import { createProxyDhcp } from './proxy-dhcp.ts'
import { withThroughput } from './throughput.ts'

/** What a first start prints once. */
export type FirstAccess = {
  /** The first token, if this start created it. */
  adminToken: string | undefined
  /** The URL at which the first person sets a password, as long as no admin exists. */
  welcomeUrl: string | undefined
}

/** A running server. */
export type RunningServer = FirstAccess & {
  addresses: {
    boot: string
    files: string | undefined
    admin: string
    adminSocket: string | undefined
    tftp: string | undefined
    proxyDhcp: string | undefined
  }
  /** The database was unreachable at the start. */
  isWithoutDatabase: boolean
  /** Calls `listen` once the database is prepared, which may be at once. */
  onPrepared: (listen: (first: FirstAccess) => void) => void
  /** The names of the boot programs that were found. */
  nbps: string[]
  stop: () => Promise<void>
}

/** Opens all parts in order. If a part fails, closes the open parts and throws the error. */
export async function startServer(config: Config, log: Logger): Promise<RunningServer> {
  const closers = createClosers(log)
  try {
    return { ...(await open(config, log, closers)), stop: closers.stop }
  } catch (error) {
    await closers.stop()
    throw error
  }
}

async function open(config: Config, log: Logger, closers: Closers): Promise<Omit<RunningServer, 'stop'>> {
  const { maxImages } = config.metrics
  const { metrics, sentBytes } = withThroughput(
    createMetrics({ version: readVersion(), maxImages, outcomes, deploymentStates, reports }),
  )
  const data = await openData(config, log, metrics, closers)
  metrics.read({
    databaseAnswers: data.health.databaseAnswers,
    counted: createFindCounts(data.db),
    waitingEvents: data.inventory.events.waiting,
    journal: data.inventory.journal.state,
  })
  const jobs = await startJobs(config, data, log, metrics, closers)
  if (data.first !== undefined) await settleRolloutJob(data, log, metrics)
  const limits = await findLimits(config, log)
  const boot = await openBootListener(config, data, limits, log, metrics, closers)
  const tftp = await openTftpListener(config, boot, limits.maxTftpTransfers, closers)
  const proxyDhcp = createProxyDhcp(config, data, boot, tftp?.port, log, metrics)
  closers.add(proxyDhcp.stop)
  const doctor = openDoctor(config, data, boot, tftp?.addresses.join(', '), proxyDhcp.state, log)
  const admin = await openAdminListener(
    config,
    data,
    jobs,
    { ...boot, doctor, tftp, proxyDhcp, sentBytes },
    limits.admin,
    log,
    metrics,
    closers,
  )
  startRolloutJob(config, data, boot, log, metrics, closers)
  await proxyDhcp.start()
  const firstAccess = (first: Data['first']) => ({
    adminToken: first?.adminToken,
    welcomeUrl: first?.firstLink && linkUrl(adminUrlOf(config, admin), first.firstLink),
  })
  const { interfaces, fault } = proxyDhcp.state()
  return {
    addresses: {
      boot: formatAddress(boot.address),
      files: boot.files && formatAddress(boot.files),
      admin: formatAddress(admin),
      adminSocket: data.socketPath,
      tftp: tftp?.addresses.join(', '),
      proxyDhcp: interfaces.length === 0 || fault !== undefined ? undefined : interfaces.join(', '),
    },
    ...firstAccess(data.first),
    isWithoutDatabase: data.first === undefined,
    onPrepared: (listen) => data.onPrepared((first) => listen(firstAccess(first))),
    nbps: [...data.nbps.keys()],
  }
}
