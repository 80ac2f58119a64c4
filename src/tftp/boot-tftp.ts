// Serves boot programs over TFTP. Called by the server.
import type { Config } from '../config/config.ts'
import type { Nbps } from '../files/nbps.ts'
import type { Inventory } from '../inventory/open.ts'
import { listenerUrl } from '../lib/base-url.ts'
import { ConfigError, messageOf } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { Scripts } from '../render/scripts.ts'
import { type FindNbp, startTftp, type TftpMetrics, type TftpServer, type TftpTransferRecord } from './server.ts'

type Parts = {
  nbps: Nbps
  scripts: Scripts
  inventory: { events: Pick<Inventory['events'], 'record'> }
  log: Logger
  allows: (address: string) => boolean
  metrics?: TftpMetrics | undefined
}

/** The address that boot HTTP listens on. */
type Listening = { address: string; port: number }

/**
 * Serves the boot programs, and an `autoexec.ipxe` made from the settings. Undefined if TFTP is off, or if the default port
 * cannot be bound: then Bootwright runs without TFTP.
 * @throws ConfigError if an address from the settings cannot be bound
 */
export async function startBootTftp(
  config: Config['tftp'] & { baseUrl: string | undefined },
  { nbps, scripts, inventory, log, allows, metrics }: Parts,
  boot: Listening,
): Promise<TftpServer | undefined> {
  if (config.listen === 'off') return undefined
  const { host, port, explicit } = config.listen
  const find: FindNbp = (name, localAddress) => {
    if (name !== 'autoexec.ipxe') return nbps.get(name)?.bytes
    const base = config.baseUrl ?? listenerUrl(boot, localAddress)
    return base === undefined ? undefined : Buffer.from(scripts.bootstrap(base))
  }
  const record = ({ peer, file, bytes, durationMs, outcome, message }: TftpTransferRecord) => {
    if (['probe', 'not-found', 'refused', 'displaced'].includes(outcome)) return
    const incomplete =
      outcome === 'complete'
        ? undefined
        : `${outcome} after ${bytes} bytes${message === undefined ? '' : `: ${message}`}`
    const stage = file === 'autoexec.ipxe' ? 'bootstrap' : 'nbp'
    inventory.events.record({ ip: peer.replace(/:\d+$/, ''), stage, file, bytes, durationMs, message: incomplete })
  }
  const settings = {
    host,
    port,
    allows,
    maxBlockSize: config.maxBlockSize,
    maxWindowSize: config.maxWindowSize,
    maxTransfers: config.maxTransfers,
    maxTransfersPerAddress: config.maxTransfersPerAddress,
    transferTimeoutMs: 600_000,
    singlePort: config.singlePort,
  }
  try {
    return await startTftp(settings, find, record, log, metrics)
  } catch (error) {
    const why = `cannot listen for TFTP on ${host}:${port}: ${explain((error as NodeJS.ErrnoException).code) ?? messageOf(error)}`
    if (explicit) throw new ConfigError(`BOOTWRIGHT_TFTP_LISTEN: ${why}`)
    log.warn(`${why}. Bootwright runs without TFTP. To disable this warning: BOOTWRIGHT_TFTP_LISTEN=off`)
    return undefined
  }
}

function explain(code: string | undefined): string | undefined {
  if (code === 'EACCES')
    return 'ports below 1024 need root, or: sudo setcap cap_net_bind_service=+ep "$(readlink -f "$(which node)")"'
  if (code === 'EADDRINUSE') return 'another program uses the port (dnsmasq or tftpd?)'
  return undefined
}
