// Serves boot programs over TFTP. Called by the server.
import type { Config } from '../config/config.ts'
import type { Nbps } from '../files/nbps.ts'
import type { Inventory } from '../inventory/open.ts'
import { ConfigError, messageOf } from '../lib/errors.ts'
import type { Logger } from '../lib/log.ts'
import type { WithoutServer } from '../render/bootstrap.ts'
import type { Templates } from '../render/renderer.ts'
import type { TftpMetrics, TftpTransferRecord } from './server.ts'
import { startTftpThread, type TftpThread } from './thread/start-thread.ts'

type Parts = {
  nbps: Nbps
  templates: Templates
  inventory: { events: Pick<Inventory['events'], 'record'> }
  log: Logger
  metrics?: TftpMetrics | undefined
}

/** The settings of TFTP, and those of boot HTTP that it needs. */
type BootTftpConfig = Config['tftp'] & {
  baseUrl: string | undefined
  /** The subnets that are served; empty: all. */
  subnets: string[]
  withoutServer: WithoutServer
}

/** The address that boot HTTP listens on. */
type Listening = { address: string; port: number }

/**
 * Serves the boot programs, and an `autoexec.ipxe` made from the settings, in a thread of its own. Undefined if TFTP is off, or
 * if the default port cannot be bound: then Bootwright runs without TFTP.
 * @throws ConfigError if an address from the settings cannot be bound
 */
export async function startBootTftp(
  config: BootTftpConfig,
  { nbps, templates, inventory, log, metrics }: Parts,
  boot: Listening,
): Promise<TftpThread | undefined> {
  if (config.listen === 'off') return undefined
  const { host, port, explicit } = config.listen
  const { baseUrl, subnets, withoutServer } = config
  const record = ({ peer, file, bytes, durationMs, outcome, message }: TftpTransferRecord, at: number) => {
    if (['probe', 'not-found', 'refused', 'displaced'].includes(outcome)) return
    const incomplete =
      outcome === 'complete'
        ? undefined
        : `${outcome} after ${bytes} bytes${message === undefined ? '' : `: ${message}`}`
    const stage = file === 'autoexec.ipxe' ? 'bootstrap' : 'nbp'
    const event = { ip: peer.replace(/:\d+$/, ''), stage, file, bytes, durationMs, message: incomplete } as const
    inventory.events.record(event, Date.now() - at)
  }
  const settings = {
    host,
    port,
    maxBlockSize: config.maxBlockSize,
    maxWindowSize: config.maxWindowSize,
    maxTransfers: config.maxTransfers,
    maxTransfersPerAddress: config.maxTransfersPerAddress,
    transferTimeoutMs: 600_000,
    singlePort: config.singlePort,
  }
  try {
    return await startTftpThread(
      {
        settings,
        subnets,
        programs: new Map([...nbps].map(([name, { bytes }]) => [name, bytes])),
        bootstrap: { templates, withoutServer, baseUrl, boot },
        levels: (['debug', 'info', 'warn', 'error'] as const).filter((level) => log.isLevelEnabled(level)),
      },
      { record, log, metrics },
    )
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
